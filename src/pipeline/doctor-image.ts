import pMap from 'p-map'

import type { ImageSource } from '../image/image-source.ts'
import type { NimImage } from '../image/inspect.ts'
import { type AccessOptions, type NgcModel, requireModelAccess } from '../nim/ngc-api.ts'
import { parseModelManifest } from '../profiles/manifest.ts'
import type { ManifestProfile } from '../profiles/model-manifest.ts'
import { type DoctorFinding, look } from './look.ts'

export interface ImageQuestion {
  image: string
  /** From where it is pulled, with the key where that is NGC's registry. */
  openImage: () => Promise<ImageSource>
  inspect: (source: ImageSource) => Promise<NimImage>
  /** Absent where there is no key. */
  ngc?: AccessOptions
  signal: AbortSignal
}

const parallel = 4

/** Whether an image may be pulled and its models fetched, asked before any byte is. */
export async function examineImage(question: ImageQuestion): Promise<DoctorFinding[]> {
  const { image, openImage, inspect, ngc, signal } = question
  let source: ImageSource | undefined
  const pull = await look(`${image}: pull`, async () => {
    source = await openImage()
    // A token for the list alone says nothing of what lies behind it.
    for (const { digest } of source.images) await source.readImage(digest, signal)
    return `permitted, ${source.images.length === 1 ? 'one platform' : `${source.images.length} platforms`}`
  })
  if (source === undefined || pull.status === 'failed') return [pull]
  const opened = source
  let models: NgcModel[] = []
  const listed = await look(`${image}: models`, async () => {
    const { manifest } = await inspect(opened)
    models = manifest === undefined ? [] : modelsOf(parseModelManifest(manifest.text).profiles)
    return models.length === 0
      ? 'its manifest names no versions of NGC: whether the key may fetch them, the download will tell'
      : `${models.length} of NGC: ${models.map(({ repository }) => repository).join(', ')}`
  })
  if (ngc === undefined) return [pull, listed]
  const asked = await pMap(
    models,
    model =>
      look(`${image}: ${model.repository}`, async () => {
        await requireModelAccess(model, ngc)
        return `the key may fetch it (asked for ${model.version})`
      }),
    { concurrency: parallel },
  )
  return [pull, listed, ...asked]
}

/** Each repository once, by one of its versions: what is permitted, is so for all of them. */
function modelsOf(profiles: readonly ManifestProfile[]): NgcModel[] {
  const files = profiles.flatMap(profile => profile.files)
  const models = new Map<string, NgcModel>()
  for (const { repository, version } of files) {
    if (repository !== undefined && version !== undefined) models.set(repository, { repository, version })
  }
  return [...models.values()]
}
