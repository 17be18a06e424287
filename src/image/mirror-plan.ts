import { basename } from 'node:path'

import { NimctlError } from '../system/errors.ts'
import { type FileReference, formatImageReference, type ImageReference, parseImageReference } from './reference.ts'

/** Where `mirror --to` copies to: a registry, with a prefix or none, a directory in OCI's layout, or one archive. */
export type MirrorTarget =
  | { type: 'registry'; registry: string; prefix: string }
  | { type: 'oci' | 'oci-archive' | 'docker-archive'; path: string }

export interface PlannedCopy {
  source: ImageReference
  destination: ImageReference
}

/**
 * Reads `registry.internal:5000/prefix` (also with `docker://`), `oci:DIR`, `oci-archive:FILE` and
 * `docker-archive:FILE`.
 *
 * @throws NimctlError `usage` / `MIRROR_TARGET_INVALID`.
 */
export function parseMirrorTarget(text: string): MirrorTarget {
  const [, type, path = ''] = /^(oci|oci-archive|docker-archive):([^:]+)$/.exec(text.trim()) ?? []
  if (type === 'oci' || type === 'oci-archive' || type === 'docker-archive') return { type, path }
  const address = text
    .trim()
    .replace(/^docker:\/\//, '')
    .replace(/\/+$/, '')
  const [host = '', ...prefix] = address.split('/')
  if (/[.:]/.test(host) || host === 'localhost') {
    // The image's name stands for those that will be appended: what is wrong with the prefix shows itself now.
    const parsed = parseImageReference([host, ...prefix, 'image:tag'].join('/'))
    if (parsed.transport === 'docker') return { type: 'registry', registry: parsed.registry, prefix: prefix.join('/') }
  }
  throw new NimctlError('usage', 'MIRROR_TARGET_INVALID', {
    what: `"${text}" is no place to mirror to.`,
    next: 'Give a registry with its host (registry.internal:5000/prefix), oci:DIR, oci-archive:FILE or docker-archive:FILE.',
  })
}

/**
 * Names each image's destination; one that is named twice is copied once: the source's repository path goes behind the target's prefix, the tag stays; what is
 * asked for by digest alone stays by digest. In an OCI layout the same `path:tag` is the image's name.
 *
 * @throws NimctlError `usage` / `MIRROR_NAMES_COLLIDE`, `ARCHIVE_HOLDS_ONE`.
 */
export function planMirror(named: readonly ImageReference[], to: MirrorTarget): PlannedCopy[] {
  const sources = [...new Map(named.map(source => [formatImageReference(source), source])).values()]
  if ((to.type === 'oci-archive' || to.type === 'docker-archive') && sources.length > 1) {
    throw new NimctlError('usage', 'ARCHIVE_HOLDS_ONE', {
      what: `${to.type}:${to.path} takes one image, not ${sources.length}.`,
      next: `Several go into a directory: --to oci:${to.path.replace(/\.tar$/, '')}`,
    })
  }
  const copies = sources.map(source => ({ source, destination: destinationOf(source, to) }))
  const names = copies.map(({ destination }) => formatImageReference(destination))
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return copies
  throw new NimctlError('usage', 'MIRROR_NAMES_COLLIDE', {
    what: `Two of the images would both become ${twice}.`,
    why: 'Only the repository path of a source is kept, not its registry.',
    next: 'Mirror them in two runs, each to a prefix of its own.',
  })
}

function destinationOf(source: ImageReference, to: MirrorTarget): ImageReference {
  const { repository, tag, digest } = nameOf(source)
  if (to.type === 'registry') {
    return {
      transport: 'docker',
      registry: to.registry,
      repository: to.prefix === '' ? repository : `${to.prefix}/${repository}`,
      ...(tag === undefined ? { digest } : { tag }),
    }
  }
  const name = tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`
  return { transport: to.type, path: to.path, name }
}

type ImageName =
  | { repository: string; tag: string; digest?: undefined }
  | { repository: string; tag?: undefined; digest: string }

function nameOf(source: ImageReference): ImageName {
  const named = 'path' in source ? nameInFile(source) : source
  if (named.tag !== undefined) return { repository: named.repository, tag: named.tag }
  if (named.digest !== undefined) return { repository: named.repository, digest: named.digest }
  return { repository: named.repository, tag: 'latest' }
}

/** A name such as `nim/meta/llama:1.0` says all; a bare tag, as skopeo's examples have, takes the file's name. */
function nameInFile({ path, name }: FileReference): { repository: string; tag?: string; digest?: string } {
  const fileName = basename(path)
    .replace(/\.tar(?:\.gz)?$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
  const text = name === undefined ? fileName : /[/:@]/.test(name) ? name : `${fileName}:${name}`
  const parsed = parseImageReference(text)
  if (parsed.transport !== 'docker') return { repository: fileName }
  return { ...parsed, repository: parsed.repository.replace(/^library\//, '') }
}
