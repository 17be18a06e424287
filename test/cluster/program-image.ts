import { createHash } from 'node:crypto'

import { tar } from '../../fixtures/stand-in/tar.ts'

interface ProgramImage {
  reference: string
  /** Static: nothing else is in the image. */
  program: Buffer
  /** Under which it is found, in /bin; the first is what the image runs. */
  names: [string, ...string[]]
}

/** An image that holds one program, as `docker save` would write it. */
export function programImage({ reference, program, names }: ProgramImage): Buffer {
  const [first, ...others] = names
  const layer = tar([
    { type: 'file', path: `bin/${first}`, content: program, mode: 0o755 },
    ...others.map(name => ({ type: 'link' as const, path: `bin/${name}`, target: first })),
  ])
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Entrypoint: [`/bin/${first}`], User: '65535' },
      rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`] },
    }),
  )
  const manifest = [{ Config: 'config.json', RepoTags: [reference], Layers: ['layer.tar'] }]
  return tar([
    { type: 'file', path: 'layer.tar', content: layer },
    { type: 'file', path: 'config.json', content: config },
    { type: 'file', path: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) },
  ])
}
