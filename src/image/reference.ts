import { NimctlError } from '../system/errors.ts'

/** An image in a registry, or in the engine under its registry's name. */
export interface RegistryReference {
  transport: 'docker' | 'docker-daemon'
  /** Host, with the port where one is given. */
  registry: string
  /** Such as `nim/meta/llama-3.1-8b-instruct`. */
  repository: string
  tag?: string
  /** `sha256:…` */
  digest?: string
}

/** An image in a directory or archive. */
export interface FileReference {
  transport: 'oci' | 'oci-archive' | 'docker-archive'
  path: string
  /** The image's name in there; absent where there is only one. */
  name?: string
  /** Of one image of a list, which has no name; nobody writes it so. */
  digest?: string
}

export type ImageReference = RegistryReference | FileReference

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const registryName = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?$/
const tagName = /^\w[\w.-]{0,127}$/
const digestName = /^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/

/**
 * Reads what users of docker and skopeo write: a bare name (with docker.io and `latest` filled in as both do), or one
 * with a transport in front: `docker://`, `docker-daemon:`, `oci:DIR[:NAME]`, `oci-archive:FILE[:NAME]`,
 * `docker-archive:FILE[:NAME]`.
 *
 * @throws NimctlError `usage` / `IMAGE_REFERENCE_INVALID`.
 */
export function parseImageReference(text: string): ImageReference {
  const trimmed = text.trim()
  if (trimmed === '') throw invalid(text, 'It is empty.')
  if (trimmed.startsWith('docker://')) return parseRegistryReference(trimmed.slice('docker://'.length), 'docker', text)
  const transport = /^([a-z-]+):(?!\d+\/)(.*)$/.exec(trimmed)
  switch (transport?.[1]) {
    case 'docker-daemon':
      return parseRegistryReference(transport[2] ?? '', 'docker-daemon', text)
    case 'oci':
    case 'oci-archive':
    case 'docker-archive':
      return parseFileReference(transport[2] ?? '', transport[1], text)
    case 'containers-storage':
    case 'dir':
    case 'ostree':
    case 'sif':
    case 'tarball':
      throw invalid(text, `nimctl does not use skopeo's transport ${transport[1]}.`)
  }
  if (trimmed.includes('://'))
    throw invalid(text, 'An image has no such scheme in front; docker:// is the one for registries.')
  return parseRegistryReference(trimmed, 'docker', text)
}

function parseRegistryReference(
  name: string,
  transport: RegistryReference['transport'],
  text: string,
): RegistryReference {
  const [named = '', digest, ...more] = name.split('@')
  if (more.length > 0) throw invalid(text, 'It has more than one "@".')
  if (digest !== undefined && !digestName.test(digest)) {
    throw invalid(text, 'After the "@" belongs a whole digest: sha256: and 64 hexadecimal digits.')
  }
  const lastSlash = named.lastIndexOf('/')
  const colon = named.indexOf(':', lastSlash)
  const tag = colon === -1 ? undefined : named.slice(colon + 1)
  if (tag !== undefined && !tagName.test(tag)) {
    throw invalid(text, `"${tag}" is not a tag: letters, digits, "_", "." and "-", at most 128.`)
  }
  const { registry, repository } = splitRegistry(colon === -1 ? named : named.slice(0, colon), text)
  return {
    transport,
    registry,
    repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
    ...(tag === undefined && digest === undefined && { tag: 'latest' }),
  }
}

/** The first part is a registry if it can't be part of a repository's name: it has a dot or a port, or is localhost. */
function splitRegistry(name: string, text: string): { registry: string; repository: string } {
  const [first = '', ...rest] = name.split('/')
  const hasRegistry = rest.length > 0 && (/[.:[]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  const registry = hasRegistry ? first : 'docker.io'
  const parts = hasRegistry ? rest : [first, ...rest]
  if (hasRegistry && !registryName.test(first)) throw invalid(text, `"${first}" is not the name of a registry.`)
  const wrong = parts.find(part => !component.test(part))
  if (wrong === '') throw invalid(text, 'A part of its name is empty.')
  if (wrong !== undefined)
    throw invalid(text, `"${wrong}" is not a name: lower-case letters and digits, parted by ".", "_" or "-".`)
  const official = registry === 'docker.io' && parts.length === 1
  return { registry, repository: official ? `library/${parts[0]}` : parts.join('/') }
}

/** As skopeo does, the path ends at the first colon; the name may hold more. */
function parseFileReference(rest: string, transport: FileReference['transport'], text: string): FileReference {
  const colon = rest.indexOf(':')
  const path = colon === -1 ? rest : rest.slice(0, colon)
  const name = colon === -1 ? '' : rest.slice(colon + 1)
  if (path === '') throw invalid(text, `After ${transport}: belongs a path.`)
  return { transport, path, ...(name !== '' && { name }) }
}

/** As it is written in a pod or typed after `docker pull`: without transport for images of a registry. */
export function formatImageReference(reference: ImageReference): string {
  switch (reference.transport) {
    case 'docker':
      return formatName(reference)
    case 'docker-daemon':
      return `docker-daemon:${formatName(reference)}`
    case 'oci':
    case 'oci-archive':
    case 'docker-archive':
      return `${reference.transport}:${reference.path}${reference.name === undefined ? '' : `:${reference.name}`}`
  }
}

/** As skopeo takes it. It refuses a tag together with a digest; the digest is the more exact of the two. */
export function formatForSkopeo(reference: ImageReference): string {
  if ('path' in reference) return formatImageReference(reference)
  const { registry, repository, digest, tag } = reference
  const name = formatName({ registry, repository, ...(digest === undefined ? { tag } : { digest }) })
  return reference.transport === 'docker' ? `docker://${name}` : `docker-daemon:${name}`
}

function formatName({
  registry,
  repository,
  tag,
  digest,
}: {
  registry: string
  repository: string
  tag?: string | undefined
  digest?: string | undefined
}): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

function invalid(text: string, why: string): NimctlError {
  return new NimctlError('usage', 'IMAGE_REFERENCE_INVALID', {
    what: `"${text}" is not an image.`,
    why,
    next: 'Write it as nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4.',
  })
}
