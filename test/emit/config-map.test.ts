import { expect, it } from 'vitest'

import { emitNimCache } from '../../src/emit/nimcache/nimcache.ts'
import { aHeader, aRequest, tensorProfile, vllmProfile } from './request.ts'

function configMapOf(manifestVersion: 1 | 2) {
  const header = aHeader({ manifestVersion, profiles: [tensorProfile, vllmProfile] })
  return emitNimCache(aRequest({ header })).objects[0]
}

/** Written out, not read back: each tag must be a string to the operator's Go type, and ids must not become numbers. */
it('version 1 is a map from id to profile, without files', () => {
  expect(configMapOf(1)).toEqual({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'llama-3-2-1b-instruct-manifest', namespace: 'nim-service' },
    data: {
      'model_manifest.yaml': `"0f3de1afe11d355e01657424a267fbaad19bfea3143a9879307c49aed8299db0":
  model: meta/llama-3.2-1b-instruct
  release: "1.10"
  tags:
    feat_lora: "false"
    gpu: L40S
    gpu_device: "26b5:10de"
    llm_engine: tensorrt_llm
    pp: "2"
    tp: "2"
"1234567890123456789012345678901234567890123456789012345678901e12":
  tags:
    llm_engine: vllm
    precision: bf16
    tp: "1"
`,
    },
  })
})

it('version 2 is a list of profiles under a schema version', () => {
  expect(configMapOf(2)).toMatchObject({
    data: {
      'model_manifest.yaml': `schema_version: "2.0.0"
profiles:
  - id: "0f3de1afe11d355e01657424a267fbaad19bfea3143a9879307c49aed8299db0"
    tags:
      feat_lora: "false"
      gpu: L40S
      gpu_device: "26b5:10de"
      llm_engine: tensorrt_llm
      pp: "2"
      tp: "2"
  - id: "1234567890123456789012345678901234567890123456789012345678901e12"
    tags:
      llm_engine: vllm
      precision: bf16
      tp: "1"
`,
    },
  })
})

it('of a chosen profile keeps its model and release', () => {
  const header = aHeader({ profiles: [tensorProfile, vllmProfile] })
  const [object] = emitNimCache({ ...aRequest({ header }), choice: { profiles: [tensorProfile.id] } }).objects
  const alone = emitNimCache(aRequest()).objects[0]
  expect(object).toEqual(alone)
})
