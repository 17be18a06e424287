import { expect, inject, it } from 'vitest'

import { aws } from './aws-cli.ts'

it('keeps what aws uploads, and lists it with its checksum', async () => {
  const env = inject('versityEnv')
  const copied = await aws(['s3', 'cp', import.meta.filename, 's3://models/versity-test'], env)
  expect(copied).toMatchObject({ exitCode: 0 })
  const listed = await aws(['s3api', 'list-objects-v2', '--bucket', 'models', '--prefix', 'versity-test'], env)
  expect(JSON.parse(listed.stdout)).toMatchObject({ Contents: [{ ChecksumAlgorithm: expect.anything() }] })
})
