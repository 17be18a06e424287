import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { inject } from 'vitest'

import type {} from '../servers/global-setup.ts'

export const dockerCli = (...args: string[]) =>
  promisify(execFile)('docker', args, { env: { ...process.env, DOCKER_HOST: inject('dockerHost') } })

/** An image of busybox alone, with a file behind a link, for tests of the engine. */
export async function buildBusyboxImage(tag: string, dockerfile: readonly string[] = []): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'nimctl-busybox-'))
  try {
    await copyFile('/bin/busybox', join(context, 'busybox'))
    await writeFile(
      join(context, 'Dockerfile'),
      [
        'FROM scratch',
        'COPY busybox /bin/busybox',
        'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
        'RUN mkdir -p /opt/place && echo "stand-in manifest" > /opt/place/file && ln -s place/file /opt/link',
        'LABEL kind=test',
        ...dockerfile,
      ].join('\n'),
    )
    await dockerCli('build', '--quiet', '--tag', tag, context)
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}
