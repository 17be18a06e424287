import Docker from 'dockerode'
import { expect, inject, it } from 'vitest'

import { answer } from './answer.ts'
import { aws } from './aws-cli.ts'

it('provides servers that answer', async () => {
  const docker = new Docker({ socketPath: inject('dockerHost').replace('unix://', '') })
  expect(String(await docker.ping())).toBe('OK')
  expect((await answer(`http://${inject('registryHost')}/v2/`))?.status).toBe(200)
  expect(await aws(['s3', 'ls'], inject('s3Env'))).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('models'),
  })
})
