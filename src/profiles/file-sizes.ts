import { type NgcModel, nameOf, type NgcSession } from '../nim/ngc-api.ts'
import { NimctlError } from '../system/errors.ts'
import { forAll } from '../system/for-all.ts'
import { isSafePath } from '../system/safe-path.ts'
import { fileAddress, fileName } from './file-address.ts'
import type { ManifestFile } from './model-manifest.ts'

export interface FileSizes {
  /** Bytes, by `fileAddress`. */
  sizes: ReadonlyMap<string, number>
  /** Of these versions not all sizes are known, each for the first reason that NGC gave. */
  refused: readonly RefusedVersion[]
}

export interface RefusedVersion {
  /** `org/team/model:version`. */
  model: string
  error: NimctlError
}

/** Requests beside each other; each is short. */
const concurrency = 16

/**
 * Asks NGC for the sizes of files: the list of each version once, then the first byte of each file. Files without a
 * whole address are passed over. What NGC refuses or does not have is noted, and the other versions are asked all the
 * same.
 *
 * @throws NimctlError `unavailable` where NGC does not answer; the signal's reason.
 */
export async function askFileSizes(
  session: NgcSession,
  files: readonly ManifestFile[],
  signal: AbortSignal,
): Promise<FileSizes> {
  const asked = new Map(files.filter(isAskable).map(file => [fileAddress(file) ?? '', file]))
  const versions = new Map([...asked.values()].map(file => [nameOf(file), file]))
  const refused = new Map<string, NimctlError>()
  const unlessRefused = async <T>(model: NgcModel, ask: () => Promise<T>): Promise<T | undefined> => {
    if (refused.has(nameOf(model))) return undefined
    try {
      return await ask()
    } catch (error) {
      if (!isRefusal(error)) throw error
      if (!refused.has(nameOf(model))) refused.set(nameOf(model), error)
      return undefined
    }
  }

  const lists = await forAll(
    versions,
    async ([model, version], stop) =>
      [model, await unlessRefused(version, () => session.listFiles(version, stop))] as const,
    { concurrency, signal },
  )
  const urls = new Map(lists)
  const sizes = new Map<string, number>()
  await forAll(
    asked,
    async ([address, file], stop) => {
      const name = fileName(file.file)
      const url = urls.get(nameOf(file))?.get(name)
      const size = await unlessRefused(file, () => session.sizeOf(file, { name, url }, stop))
      if (size !== undefined) sizes.set(address, size)
    },
    { concurrency, signal },
  )
  return { sizes, refused: [...refused].map(([model, error]) => ({ model, error })) }
}

/** Whether a file has an address in which NGC can be asked for it. */
export function isAskable(file: ManifestFile): file is ManifestFile & NgcModel {
  const { repository = '', version = '' } = file
  const parts = repository.split('/').length
  return isSafePath(`${repository}/${version}/${fileName(file.file)}`) && (parts === 2 || parts === 3)
}

/** NGC speaks, and says no; that it can't be reached is no word about a version. */
function isRefusal(error: unknown): error is NimctlError {
  return error instanceof NimctlError && (error.category === 'auth' || error.category === 'not-found')
}
