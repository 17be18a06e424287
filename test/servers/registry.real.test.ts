import { existsSync, readFileSync } from 'node:fs'

import { expect, it } from 'vitest'

import { answer } from './answer.ts'
import { isRunning } from './processes.ts'
import { startRegistry } from './registry.ts'

const account = { user: 'mirror', password: "pass'word $1" }
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

it('answers anyone without options, and ends with stop', async () => {
  const registry = await startRegistry()
  expect(await answer(`http://${registry.host}/v2/_catalog`)).toEqual({ status: 200, body: '{"repositories":[]}\n' })
  await registry.stop()
  expect(isRunning(registry.pid)).toBe(false)
  expect(await answer(`http://${registry.host}/v2/`)).toBeUndefined()
})

it('wants the password, over TLS that its own authority vouches for', async () => {
  const registry = await startRegistry({ htpasswd: account, tls: true })
  const ca = readFileSync(registry.caFile ?? '', 'utf8')
  const url = `https://${registry.host}/v2/`
  expect((await answer(url, { ca }))?.status).toBe(401)
  expect((await answer(url, { ca, headers: basic(account.user, 'wrong') }))?.status).toBe(401)
  expect((await answer(url, { ca, headers: basic(account.user, account.password) }))?.status).toBe(200)
  const withoutAuthority = await answer(url)
  expect(withoutAuthority).toBeUndefined()
  await registry.stop()
  expect(existsSync(registry.caFile ?? '')).toBe(false)
})
