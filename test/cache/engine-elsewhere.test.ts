import { expect, it } from 'vitest'

import { refuseEngineElsewhere } from '../../src/cache/engine-elsewhere.ts'

it.each(['tcp://gpu-host:2376', 'tcp://10.0.0.7:2375', 'ssh://me@gpu-host', 'https://gpu-host', '10.0.0.7:2375'])(
  'an engine at %s fills no directory here',
  address => {
    const host = address.includes('10.0.0.7') ? '10.0.0.7' : 'gpu-host'
    expect(() => refuseEngineElsewhere({ address }, './cache')).toThrow(
      expect.objectContaining({
        category: 'usage',
        code: 'ENGINE_ELSEWHERE',
        message: `The engine at ${address} would fill ./cache on ${host}, not on this machine.`,
        next: expect.stringContaining('--profiles-from listing.json'),
      }),
    )
  },
)

it.each([
  'unix:///var/run/docker.sock',
  'tcp://127.0.0.1:2375',
  'tcp://localhost:2375',
  'ssh://localhost',
  'tcp://[::1]:2375',
])('an engine at %s is on this machine', address => {
  expect(() => refuseEngineElsewhere({ address }, './cache')).not.toThrow()
})
