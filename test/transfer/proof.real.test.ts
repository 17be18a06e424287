import { writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'

import { makeHubCache } from '../hub-cache.ts'
import { newSeed, seeded } from '../seeded.ts'
import { type FaultPlace, openFaultPlace, type Trial } from './fault-place.ts'

const mebibyte = 2 ** 20
const seed = newSeed()

describe.each([
  { server: 'SeaweedFS', s3Env: inject('s3Env') },
  { server: 'VersityGW', s3Env: inject('versityEnv') },
])(`--require full-checksum at $server (seed ${seed})`, ({ s3Env }) => {
  let place: FaultPlace
  let trial: Trial
  beforeAll(async () => {
    place = await openFaultPlace(s3Env, { makeCache })
  })
  afterAll(() => place.close())
  beforeEach(async () => {
    trial = await place.begin()
  })
  afterEach(() => trial.stop())

  const upload = (...more: string[]) => trial.run([...trial.uploadArguments(...more), '--require', 'full-checksum'])

  it('holds for empty, small, one-part and multi-part files, and for their copies', async () => {
    const outcome = await upload()
    expect(outcome).toMatchObject({ exitCode: 0 })
    const [done] = outcome.json().destinations as { proof: Record<string, number> }[]
    const count = Object.keys(place.contents).length
    expect(done?.proof).toEqual({ 'full-checksum': count, parts: 0, etag: 0, size: 0 })
    await trial.expectWhole()
  })

  it('holds for what was there before', async () => {
    expect(await trial.run(trial.uploadArguments())).toMatchObject({ exitCode: 0 })
    const again = await upload()
    expect(again).toMatchObject({ exitCode: 0 })
    expect(again.json().destinations).toMatchObject([{ uploadedFiles: 0, proof: { parts: 0, etag: 0, size: 0 } }])
  })

  it('fails behind a proxy that strips checksums, and names a file', async () => {
    const headers = ['x-amz-checksum-crc32c', 'x-amz-checksum-type', 'x-amz-checksum-algorithm']
    trial.proxy.always(() => true, { type: 'strip', headers })
    const outcome = await upload()
    expect(outcome).toMatchObject({ exitCode: 3 })
    expect(outcome.json()).toMatchObject({ code: 'PROOF_TOO_WEAK' })
    expect(Object.keys(place.contents).some(key => outcome.stdout.includes(key))).toBe(true)
    expect((await place.bucket.sizes(trial.prefix)).has('.nimctl/inventory.jsonl')).toBe(false)
  })

  it.each(['empty.bin', 'small.bin', 'one-part.bin', 'parts.bin'])(
    'names %s where the checksum of this file alone is missing',
    async name => {
      const ofOne = ({ url = '' }: IncomingMessage) => url.includes(`/${name}`)
      // The very first answer says what the store can do at all: it is that of another file.
      const isTooEarly = (request: IncomingMessage) =>
        ofOne(request) && request.method === 'PUT' && !trial.proxy.seen.some(completesAnother)
      const completesAnother = (line: string) => /^POST .*uploadId=/.test(line) && !line.includes(`/${name}`)
      trial.proxy.always(isTooEarly, { type: 'answer', status: 503, body: '' })
      const [headers, elements] = [['x-amz-checksum-crc32c'], ['ChecksumCRC32C']]
      trial.proxy.always(ofOne, { type: 'strip', headers, elements })
      const outcome = await upload('--links', 'record')
      expect(outcome).toMatchObject({ exitCode: 3 })
      expect(outcome.json()).toMatchObject({ code: 'PROOF_TOO_WEAK', what: expect.stringContaining(name) })
    },
  )
})

async function makeCache(root: string): Promise<void> {
  const random = seeded(seed)
  const model = { repository: 'nim/meta/proved', version: '1', files: { 'model.bin': random.bytes(14 * mebibyte) } }
  await makeHubCache(root, { models: [model] })
  await writeFile(join(root, 'empty.bin'), '')
  await writeFile(join(root, 'small.bin'), 'small')
  await writeFile(join(root, 'one-part.bin'), random.bytes(5 * mebibyte))
  await writeFile(join(root, 'parts.bin'), random.bytes(12 * mebibyte + 1))
}
