import { NimctlError } from '../system/errors.ts'

/** For images without a list command and without a manifest. */
export function notListable(image: string): NimctlError {
  return new NimctlError('usage', 'PROFILES_NOT_LISTABLE', {
    what: `${image} offers no profiles.`,
    why: 'Images of its family (com.nvidia.nim.model_download_protocol=native-v1) have neither a list command nor a manifest.',
    next: `It downloads without choosing: nimctl cache ${image} DIR --all`,
  })
}

export function noListUtility(image: string): NimctlError {
  return new NimctlError('usage', 'NO_LIST_UTILITY', {
    what: `${image} contains no program that lists profiles.`,
    why: 'Looked for list-model-profiles, and in nimlib images for nim_list_model_profiles.',
    next: readTheManifest(image),
  })
}

interface EndedContainer {
  exitCode: number
  outOfMemory: boolean
}

const shownLines = 5

/** @param lines that the container printed. */
export function notListed(
  image: string,
  { exitCode, outOfMemory }: EndedContainer,
  lines: readonly string[],
): NimctlError {
  const last = lines.filter(line => line.trim() !== '').slice(-shownLines)
  const ended = outOfMemory ? 'was ended for want of memory' : `exited with ${exitCode}`
  return new NimctlError('check-failed', 'PROFILES_NOT_LISTED', {
    what: `The list command of ${image} listed no profile.`,
    why: last.length === 0 ? `It ${ended} and printed nothing.` : `It ${ended}; its last lines: ${last.join(' | ')}`,
    next: readTheManifest(image),
  })
}

function readTheManifest(image: string): string {
  return `Read them from the image instead, which needs no GPU and no key: nimctl profiles ${image}`
}
