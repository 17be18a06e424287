/**
 * How a NIM container is operated (reference/nim.md section 0): `llm` is NIM LLM 1.x to 3.x, `nimlib` the speech,
 * biology, visual and retriever 1.x images, `native` those of NeMo Retriever 2.x, `universal` the images that serve
 * whatever model they are given.
 */
export type NimFamily = 'llm' | 'nimlib' | 'native' | 'universal'

/** Section 0. Exactly this value; anything else, or no label, is one of the older families. */
const nativeLabel = { name: 'com.nvidia.nim.model_download_protocol', value: 'native-v1' }

const usualPlace = '/opt/nim/etc/default/model_manifest.yaml'

/** Where images keep their model manifest, in the order in which the NIM Operator and others look (section 3). */
export const manifestPlaces = [
  usualPlace,
  '/etc/nim/config/model_manifest.yaml',
  '/opt/nim/etc/config/default/model_manifest.yaml',
] as const

/** Where the cache directory is mounted (section 4.3). Native images have their weights elsewhere. */
export const cacheMount: Record<NimFamily, string> = {
  llm: '/opt/nim/.cache',
  nimlib: '/opt/nim/.cache',
  universal: '/opt/nim/.cache',
  native: '/model',
}

/** How a utility of an image is started. */
export interface Utility {
  /** Replaces the image's entry point. */
  entrypoint?: string[]
  command: string[]
}

/**
 * The starts of `download-to-cache`, to be tried in this order where an image lacks the program. `--profiles id1 id2`
 * is the form that the NIM Operator sends to every image (section 1.5). nimlib documents no `--all` (section 1.3), so
 * give it every id. Empty for native images, which download by environment variables (section 1.4).
 */
export function downloadUtilities(family: NimFamily, profileIds: readonly string[] | 'all'): Utility[] {
  const choice = profileIds === 'all' ? ['--all'] : ['--profiles', ...profileIds]
  switch (family) {
    case 'llm':
    case 'universal':
      return [{ command: ['download-to-cache', ...choice] }]
    case 'nimlib':
      return [
        { entrypoint: ['nim_download_to_cache'], command: choice },
        { entrypoint: ['download-to-cache'], command: choice },
      ]
    case 'native':
      return []
  }
}

/** The starts of `list-model-profiles`, in the same way (section 0). Empty for native images, which offer no profiles. */
export function listUtilities(family: NimFamily): Utility[] {
  switch (family) {
    case 'llm':
    case 'universal':
      return [{ command: ['list-model-profiles'] }]
    case 'nimlib':
      return [
        { entrypoint: ['nim_list_model_profiles'], command: [] },
        { entrypoint: ['list-model-profiles'], command: [] },
      ]
    case 'native':
      return []
  }
}

/** Names of the programs that an image of this family is documented to hold (sections 0 and 1), none for native ones. */
export function utilityNames(family: NimFamily): string[] {
  const utilities = [...listUtilities(family), ...downloadUtilities(family, 'all')]
  const names = utilities.map(({ entrypoint, command }) => entrypoint?.[0] ?? command[0] ?? '')
  return family === 'llm' || family === 'universal' ? [...names, 'create-model-store'] : names
}

/** What can be read of an image without running it. */
export interface FamilyEvidence {
  labels: Record<string, string>
  /** `NAME=value`. */
  env: readonly string[]
  entrypoint: readonly string[]
  command: readonly string[]
  manifest?: { path: string; text: string }
}

/**
 * Tells a NIM image's family, `undefined` when nothing says that it is a NIM image.
 *
 * Only the label is documented. An image with variables of NIM and without a manifest is one of NeMo Retriever 2.0 to
 * 2.2.0, which lack the label (section 0), where they are those of its engine (section 1.4), else one that serves
 * whatever model it is given: the operator calls an image without a manifest model-free.
 *
 * llm and nimlib are told apart by what section 3 shows of their manifests: the place (nimlib alone uses the older ones),
 * `nim-serve` as the default action (LLM 2.x), and the tag `llm_engine`, which all samples of llm profiles carry and none
 * of nimlib's. A wrong guess between the two is mended by the download: an image without the program named by
 * `downloadUtilities` says so.
 */
export function recogniseFamily(evidence: FamilyEvidence): NimFamily | undefined {
  const { labels, env, entrypoint, command, manifest } = evidence
  if (labels[nativeLabel.name] === nativeLabel.value) return 'native'
  if (manifest === undefined) {
    if (env.some(variable => variable.startsWith('NIM_ENGINE_'))) return 'native'
    return env.some(variable => variable.startsWith('NIM_')) ? 'universal' : undefined
  }
  if (manifest.path !== usualPlace) return 'nimlib'
  if ([...entrypoint, ...command].some(word => /(?:^|\/)nim-serve$/.test(word))) return 'llm'
  return /\bllm_engine["']?\s*:/.test(manifest.text) ? 'llm' : 'nimlib'
}

/** What `recogniseFamily` looks for, as words for an error message. */
export const lookedFor = `the label ${nativeLabel.name}=${nativeLabel.value}, a model manifest at ${manifestPlaces.join(', ')}, and variables NIM_… in its configuration`

/**
 * Whether an image downloads only where it finds a GPU: the first LLM NIMs import vllm for it. "llama3 container
 * requires --gpus all, but llama-3.1 doesn't": 1.0.3 does, 1.1.2 does not (section 1.1).
 *
 * @param version of the image, such as `1.0.3`; `undefined` where nothing says it.
 */
export function needsGpuToDownload(family: NimFamily, version: string | undefined): boolean {
  return family === 'llm' && version !== undefined && /^1\.0(?:\.|$)/.test(version)
}
