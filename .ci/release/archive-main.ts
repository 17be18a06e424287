import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { makeArchive, platformNames } from './archive.ts'

const { values } = parseArgs({
  options: { platform: { type: 'string', default: 'linux-x64' }, out: { type: 'string', default: 'release' } },
})
const platform = platformNames.find(name => name === values.platform)
if (platform === undefined) {
  process.stderr.write(`--platform ${values.platform}: expected ${platformNames.join(' or ')}.\n`)
  process.exitCode = 2
} else {
  const out = resolve(values.out)
  await mkdir(out, { recursive: true })
  const work = await mkdtemp(join(tmpdir(), 'nimctl-archive-'))
  try {
    process.stdout.write(`${join(out, await makeArchive({ platform, work, out }))}\n`)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
