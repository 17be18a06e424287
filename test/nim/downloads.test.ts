import { describe, expect, it } from 'vitest'

import { downloadRuns } from '../../src/nim/downloads.ts'
import { caEnvironment, proxyEnvironment } from '../../src/nim/environment.ts'
import { needsGpuToDownload } from '../../src/nim/families.ts'

// The calls of reference/nim.md 1.1 to 1.5.
describe('the containers of a download', () => {
  it('fill the hub tree where the image has its cache', () => {
    expect(downloadRuns('llm', { form: 'hub', profileIds: ['a', 'b'] })).toEqual([
      {
        utilities: [{ command: ['download-to-cache', '--profiles', 'a', 'b'] }],
        env: { NIM_CACHE_PATH: '/opt/nim/.cache' },
        target: '/opt/nim/.cache',
      },
    ])
  })

  it('make a model store out of a download beside it', () => {
    expect(downloadRuns('llm', { form: 'flat', profileId: 'a' })).toEqual([
      {
        utilities: [{ command: ['create-model-store', '--profile', 'a', '--model-store', '/model-store'] }],
        env: { NIM_CACHE_PATH: '/opt/nim/.cache' },
        target: '/model-store',
        scratch: '/opt/nim/.cache',
      },
    ])
    expect(downloadRuns('universal', { form: 'endpoint', endpoint: 'ngc://o/t/m:1' })[0]?.utilities).toEqual([
      { command: ['create-model-store', '--model-repo', 'ngc://o/t/m:1', '--model-store', '/model-store'] },
    ])
  })

  it('load a model by its address as the NIM Operator does', () => {
    expect(downloadRuns('universal', { form: 'uri', uri: 'hf://n/m' })).toMatchObject([
      {
        utilities: [
          {
            command: [
              'download-to-cache',
              '--model-uri',
              'hf://n/m',
              '--manifest-file',
              '/model-store/model_manifest.json',
            ],
          },
        ],
        env: { HF_HOME: '/model-store/huggingface/hub', HF_HUB_OFFLINE: '0', NIM_CACHE_PATH: '/model-store' },
      },
    ])
  })

  it('run a native image once for each model, by its own entry point', () => {
    const env = { NIM_ENGINE_MODEL_DOWNLOAD_ONLY: '1', NIM_ENGINE_MODEL_DOWNLOAD_PROVIDER: 'ngc' }
    const run = { utilities: [{ command: [] }], target: '/model' }
    expect(downloadRuns('native', { form: 'native', models: [] })).toEqual([{ ...run, env }])
    expect(downloadRuns('native', { form: 'native', models: ['nvidia/a-v3', 'b'] })).toEqual([
      { ...run, env: { ...env, NIM_ENGINE_MODEL_NAME: 'nvidia/a-v3', NIM_ENGINE_MODEL_PATH: '/model/a-v3' } },
      { ...run, env: { ...env, NIM_ENGINE_MODEL_NAME: 'b', NIM_ENGINE_MODEL_PATH: '/model/b' } },
    ])
  })
})

it.each([
  [{}, {}],
  [{ NO_PROXY: 'x' }, {}],
  [{ HTTPS_PROXY: '' }, {}],
  [
    { https_proxy: 'http://p:1', NO_PROXY: 'x' },
    { HTTPS_PROXY: 'http://p:1', https_proxy: 'http://p:1', NO_PROXY: 'x', no_proxy: 'x', NIM_SDK_USE_NATIVE_TLS: '1' },
  ],
])('hands on the proxy of %j in both cases, with the switch that it takes', (env, handed) => {
  expect(proxyEnvironment(env)).toEqual(handed)
})

it('has the variables of all programs that look for a CA', () => {
  expect(Object.keys(caEnvironment())).toEqual([
    'NIM_SDK_USE_NATIVE_TLS',
    'SSL_CERT_FILE',
    'REQUESTS_CA_BUNDLE',
    'CURL_CA_BUNDLE',
  ])
})

it.each([
  ['llm', '1.0.3', true],
  ['llm', '1.0', true],
  ['llm', '1.1.2', false],
  ['llm', '1.10.0', false],
  ['llm', '2.0.5', false],
  ['llm', undefined, false],
  ['nimlib', '1.0.3', false],
] as const)('an image of %s %s needs a GPU to download: %s', (family, version, needed) => {
  expect(needsGpuToDownload(family, version)).toBe(needed)
})
