import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'

import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import { findProfile, standIns } from '../../fixtures/stand-in/catalogue.ts'
import { makeCertificates } from '../servers/certificates.ts'
import { openWorkplace, toStandInNgc, type Workplace } from './workplace.ts'

const { reference } = standIns.llm2

let place: Workplace
let gpuHost: { env: Record<string, string>; server: Server }
beforeAll(async () => {
  place = await openWorkplace()
  gpuHost = await offerOverTls(place.path('certificates'))
})
afterAll(async () => {
  gpuHost.server.close()
  await place.close()
})

/** The engine as another machine offers it: over TCP, with TLS, to those who show a certificate of its CA. */
async function offerOverTls(directory: string): Promise<typeof gpuHost> {
  await mkdir(directory)
  const { key, cert, caFile } = await makeCertificates(directory, 'GPU hosts')
  await writeFile(join(directory, 'cert.pem'), cert)
  await writeFile(join(directory, 'key.pem'), key)
  const ca = await readFile(caFile)
  const server = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: true }, client => {
    const engine = connect(inject('dockerHost').replace('unix://', ''))
    passOn(client, engine)
    passOn(engine, client)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const env = { DOCKER_HOST: `tcp://127.0.0.1:${port}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: directory }
  return { env, server }
}

function passOn(from: Socket, to: Socket): void {
  from.on('error', () => to.destroy())
  from.pipe(to)
}

it('asks a GPU host by DOCKER_HOST over TLS, and joins its list with the manifest', async () => {
  const args = ['profiles', reference, '--on', 'docker', ...toStandInNgc, '--json']
  const here = await place.run(args)
  const there = await place.run(args, gpuHost.env)
  expect(there.exitCode).toBe(0)
  expect(there.json()).toEqual(here.json())
  expect(there.json()).toMatchObject({ source: 'docker', operatorParser: 'v2' })
})

it('asks a GPU host by DOCKER_HOST over ssh', async () => {
  const programs = place.path('programs')
  await mkdir(programs)
  const script = `const engine = require('node:net').connect(process.env.ENGINE)
process.stdin.pipe(engine)
engine.pipe(process.stdout)`
  await writeFile(join(programs, 'ssh'), `#!/bin/sh\nexec '${process.execPath}' -e "${script}"\n`, { mode: 0o755 })
  const env = {
    DOCKER_HOST: 'ssh://me@gpu-host',
    ENGINE: inject('dockerHost').replace('unix://', ''),
    PATH: `${programs}:${process.env['PATH']}`,
  }
  const outcome = await place.run(['profiles', reference, '--on', 'docker', ...toStandInNgc, '--json'], env)
  expect(outcome.stderr).toBe('')
  expect(outcome.json()).toMatchObject({ source: 'docker', operatorParser: 'v2' })
})

it('says so where the certificates are not there', async () => {
  const outcome = await place.run(['profiles', reference, '--on', 'docker', '--json'], {
    ...gpuHost.env,
    DOCKER_CERT_PATH: place.path('nowhere'),
  })
  expect(outcome.json()).toMatchObject({ category: 'usage', code: 'DOCKER_CERTIFICATES_MISSING' })
})

it('says of an image what a second profile would add to the cache of the first', async () => {
  const [one, two] = ['vllm-fp8-tp1-pp1-34.0', 'vllm-fp8-tp4-pp1-12.0'].map(name => findProfile(standIns.llm2, name))
  await place.run(['cache', reference, './cache', '--profile', one?.id ?? '', ...toStandInNgc])
  const outcome = await place.run(['profiles', reference, '--profile', two?.id ?? '', '--new-to', './cache', '--json'])
  expect(outcome.json()).toMatchObject({ together: { new: { files: 0, bytes: 0 } } })
})

it('fills a cache with what the NIM Operator would choose, and with nothing where it would choose none', async () => {
  await writeFile(place.path('spec.yaml'), 'engine: vllm\nprecision: bf16\nlora: false\n')
  await writeFile(place.path('none.yaml'), 'engine: sglang\n')
  const listed = await place.run(['profiles', reference, '--spec', 'spec.yaml', '--ids'])
  const plan = await place.run(['cache', reference, './chosen', '--spec', 'spec.yaml', '--dry-run', '--json'])
  expect(plan.json().profiles).toEqual(listed.stdout.trim().split('\n'))
  const none = await place.run(['cache', reference, './chosen', '--spec', 'none.yaml', '--dry-run', '--json'])
  expect(none.exitCode).toBe(5)
  expect(none.json()).toMatchObject({ code: 'PROFILES_NONE_MATCH' })
})
