import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { findDockerLogin } from '../../src/image/docker-login.ts'

const signal = new AbortController().signal
const auth = Buffer.from('$oauthtoken:nvapi-with:colon').toString('base64')

async function login(registry: string, config: unknown, helper?: string) {
  const directory = await mkdtemp(join(tmpdir(), 'nimctl-login-'))
  await writeFile(join(directory, 'config.json'), JSON.stringify(config))
  if (helper !== undefined)
    await writeFile(join(directory, 'docker-credential-test'), `#!/bin/sh\n${helper}\n`, { mode: 0o755 })
  const env = { DOCKER_CONFIG: directory, PATH: `${directory}:${process.env['PATH']}` }
  const found = await findDockerLogin(registry, { env, signal })
  return found && { username: found.username, password: found.password.unwrap() }
}

it.each([
  ['nvcr.io', { auths: { 'nvcr.io': { auth } } }],
  ['docker.io', { auths: { 'https://index.docker.io/v1/': { auth } } }],
  ['nvcr.io', { auths: { 'nvcr.io': { auth } }, credsStore: 'not-installed' }],
])('finds the login of %s in %j', async (registry, config) => {
  expect(await login(registry, config)).toEqual({ username: '$oauthtoken', password: 'nvapi-with:colon' })
})

it('asks the credential helper', async () => {
  const helper = 'read name; echo "{\\"ServerURL\\":\\"$name\\",\\"Username\\":\\"$1-$name\\",\\"Secret\\":\\"pw\\"}"'
  expect(await login('r:5000', { credHelpers: { 'r:5000': 'test' } }, helper)).toEqual({
    username: 'get-r:5000',
    password: 'pw',
  })
  expect(await login('r:5000', { credsStore: 'test' }, 'echo not found; exit 1')).toBeUndefined()
})

it.each([[{}], [{ auths: { 'other.io': { auth } } }], [{ auths: { 'nvcr.io': {} } }], ['no object']])(
  'finds none in %j',
  async config => {
    expect(await login('nvcr.io', config)).toBeUndefined()
  },
)
