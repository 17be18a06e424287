import { posix } from 'node:path'

import { isMap, textOf } from './manifest-values.ts'
import type { ManifestFile } from './model-manifest.ts'

/** Version 1: `components[].{dst, src.{repo_id, files[]}}`. Files that are no scalars are left out, as the operator does. */
export function readComponents(components: unknown): ManifestFile[] {
  if (!Array.isArray(components)) return []
  return components.filter(isMap).flatMap(component => {
    const source = isMap(component['src']) ? component['src'] : {}
    const files: unknown = source['files']
    if (!Array.isArray(files)) return []
    const target = textOf(component['dst']) ?? ''
    const repository = parseRepository(textOf(source['repo_id']) ?? '')
    return files.flatMap((item: unknown) => {
      const file = textOf(item)
      return file === undefined || file === '' ? [] : [{ path: posix.join(target, file), ...repository, file }]
    })
  })
}

/** Version 2: a map of paths in the workspace to `{uri}`, or to `{uri, size}` where the manifest tells sizes. */
export function readFileMap(files: unknown): ManifestFile[] {
  if (!isMap(files)) return []
  return Object.entries(files).flatMap(([path, value]) => {
    const uri = isMap(value) ? textOf(value['uri']) : undefined
    return uri === undefined ? [] : [{ path, ...parseFileUri(uri, path), ...readSize(value) }]
  })
}

function readSize(value: unknown): Pick<ManifestFile, 'size'> {
  const written = isMap(value) ? textOf(value['size']) : undefined
  return written !== undefined && /^\d{1,15}$/.test(written) ? { size: Number(written) } : {}
}

/**
 * `ngc://org/team/model:version?file=path`; without `?file=` the last part of the path is the file.
 * Nothing is decoded: keys of a mirror are made of the address as it is written (reference/nim.md 5.1).
 */
function parseFileUri(uri: string, path: string): Omit<ManifestFile, 'path'> {
  const address = /^ngc:\/\/([^?]+)(?:\?file=(.*))?$/.exec(uri)
  if (address === null) return { file: path }
  const [, place = '', file] = address
  if (file !== undefined && file !== '') return { ...parseRepository(place), file }
  return { ...parseRepository(posix.dirname(place)), file: posix.basename(place) }
}

/** `org/team/model`, also with `ngc://` in front and `:version` behind. */
function parseRepository(text: string): Pick<ManifestFile, 'repository' | 'version'> {
  const [repository = '', version = ''] = text.replace(/^ngc:\/\//, '').split(':', 2)
  return { ...(repository !== '' && { repository }), ...(version !== '' && { version }) }
}
