import { type Command, Option } from 'commander'

import type { NimImage } from '../../image/inspect.ts'
import type { Download } from '../../nim/downloads.ts'
import { NimctlError } from '../../system/errors.ts'
import { collect } from './values.ts'

export interface DownloadFlags {
  all?: true
  flat?: true
  modelName?: string[]
  modelEndpoint?: string
  modelUri?: string
}

const heading = 'Models of images without profiles:'

export function addDownloadOptions(command: Command): Command {
  command.option('--flat', 'one profile as plain files, by create-model-store: for NIM_MODEL_NAME or NIM_MODEL_PATH')
  const options = [
    new Option('--model-name <name>', 'of a native image that holds several; may be repeated').argParser(collect),
    new Option('--model-endpoint <endpoint>', 'for a universal NIM: the repository of a model, as plain files'),
    new Option('--model-uri <uri>', 'for a model-free NIM: such as hf://namespace/name').argParser(parseModelUri),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

function parseModelUri(text: string): string {
  if (/^[a-z][\w+.-]*:\/\/[^/]+\/\S+$/.test(text)) return text
  throw new NimctlError('usage', 'MODEL_URI_INVALID', {
    what: `"${text}" is no address of a model.`,
    next: 'Give the hub, the namespace and the name: --model-uri hf://namespace/name',
  })
}

/**
 * What the flags say by themselves; `undefined` where profiles are to be chosen.
 *
 * @param chosen whether choosing flags were given as well.
 * @throws NimctlError `usage` / `MODEL_CHOICE_CONFLICT`.
 */
export function readModelFlags(flags: DownloadFlags, chosen: boolean): Download | undefined {
  const { modelName, modelEndpoint: endpoint, modelUri: uri } = flags
  const ways: [string, Download][] = [
    ...(modelName === undefined
      ? []
      : [['--model-name', { form: 'native', models: modelName }] satisfies [string, Download]]),
    ...(endpoint === undefined
      ? []
      : [['--model-endpoint', { form: 'endpoint', endpoint }] satisfies [string, Download]]),
    ...(uri === undefined ? [] : [['--model-uri', { form: 'uri', uri }] satisfies [string, Download]]),
  ]
  const others = [...(chosen ? ['flags that choose profiles'] : []), ...(flags.flat === true ? ['--flat'] : [])]
  const [way] = ways
  if (way === undefined) return undefined
  const [second] = [...ways.slice(1).map(([flag]) => flag), ...others]
  if (second === undefined) return way[1]
  throw new NimctlError('usage', 'MODEL_CHOICE_CONFLICT', {
    what: `${way[0]} and ${second} exclude each other.`,
    next: 'Name the model in one way.',
  })
}

/**
 * What of an image is to be downloaded.
 *
 * @throws NimctlError `usage` / `FAMILY_HAS_NO_SUCH_DOWNLOAD`, `FLAT_TAKES_ONE_PROFILE`.
 */
export async function decideDownload(
  image: DownloadableImage,
  { flags, named, readProfiles }: DownloadChoice,
): Promise<Download> {
  const native = image.family === 'native'
  if (named !== undefined) {
    if ((named.form === 'native') !== native) throw notOffered(image, flags)
    return named
  }
  if (native) {
    if (flags.all !== true || flags.flat === true) throw notOffered(image, flags)
    return { form: 'native', models: [] }
  }
  if (image.manifest === undefined) throw notOffered(image, flags)
  const profileIds = await readProfiles()
  if (flags.flat !== true) return { form: 'hub', profileIds }
  const [profileId, second] = profileIds === 'all' ? [] : profileIds
  if (profileId === undefined || second !== undefined) throw oneProfile(profileIds)
  return { form: 'flat', profileId }
}

/** As far as the choice needs it; of an image in a cluster no more is known. */
type DownloadableImage = Pick<NimImage, 'reference' | 'family' | 'manifest'>

interface DownloadChoice {
  flags: DownloadFlags
  named: Download | undefined
  readProfiles: () => Promise<readonly string[] | 'all'>
}

function notOffered({ reference, family }: DownloadableImage, { flat }: DownloadFlags): NimctlError {
  const nexts = {
    native: `Give --all for its usual model, or --model-name where it holds several.${flat === true ? ' Its files are flat anyway.' : ''}`,
    universal: 'Name the model: --model-uri hf://namespace/name, or --model-endpoint ENDPOINT.',
    llm: 'Choose profiles: nimctl profiles IMAGE lists them.',
    nimlib: 'Choose profiles: nimctl profiles IMAGE lists them.',
  }
  return new NimctlError('usage', 'FAMILY_HAS_NO_SUCH_DOWNLOAD', {
    what: `${reference} does not download in this way.`,
    why: `It is an image of the family ${family}.`,
    next: nexts[family],
  })
}

function oneProfile(profileIds: readonly string[] | 'all'): NimctlError {
  return new NimctlError('usage', 'FLAT_TAKES_ONE_PROFILE', {
    what: '--flat takes exactly one profile.',
    why: `${profileIds === 'all' ? 'All' : profileIds.length} were chosen; the files of several would overwrite each other.`,
    next: 'Name one, and give each a directory of its own: --profile ID --flat',
  })
}
