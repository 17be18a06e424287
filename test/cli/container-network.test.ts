import { expect, it } from 'vitest'

import type { Context } from '../../src/cli/context.ts'
import { networkEnvironment, warnOfLoopbackProxy } from '../../src/cli/options/container-network.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'

function aContext(env: Record<string, string>) {
  const events: ProgressEvent[] = []
  const context: Pick<Context, 'env' | 'report'> = { env, report: event => void events.push(event) }
  return { context, events }
}

it('keeps a proxy with a password, and the token, as secrets', () => {
  const { context } = aContext({
    HTTPS_PROXY: 'http://me:hunter2@proxy:3128',
    HF_TOKEN: 'hf_0123',
    HF_ENDPOINT: 'http://h',
  })
  const handed = networkEnvironment(context, { fromHub: true })
  expect(handed).toMatchObject({ NIM_SDK_USE_NATIVE_TLS: '1', HF_ENDPOINT: 'http://h' })
  expect(Object.keys(handed)).toContain('https_proxy')
  expect(JSON.stringify(handed)).not.toMatch(/hunter2|hf_0123/)
  expect(Object.keys(networkEnvironment(context, { fromHub: false }))).not.toContain('HF_TOKEN')
})

it.each([
  ['http://127.0.0.1:3128', undefined, 1],
  ['http://me:pw@localhost:3128', 'bridge', 1],
  ['http://127.0.0.1:3128', 'host', 0],
  ['http://proxy.internal:3128', undefined, 0],
])('a proxy at %s with network %s: %i warnings', (proxy, network, warnings) => {
  const { context, events } = aContext({ https_proxy: proxy })
  warnOfLoopbackProxy(context, network)
  expect(events).toHaveLength(warnings)
})
