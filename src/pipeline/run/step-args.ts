import type { ModelSettings } from '../config/model-settings.ts'
import type { EmitConfig, MirrorConfig, ModelConfig } from '../config/schema.ts'
import type { PlacedDestination } from './ports.ts'

/** The command lines of a run's steps. Pure; each could be typed by a person. */

type FlagValue = string | number | boolean | readonly (string | number)[] | undefined

/** `{ tp: 2, lora: false, gpu: ['L40S'] }` as `--tp 2 --no-lora --gpu L40S`. */
function flagsOf(settings: Readonly<Record<string, FlagValue>>): string[] {
  return Object.entries(settings).flatMap(([key, value]) => {
    const name = key.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
    if (value === undefined) return []
    if (value === true) return [`--${name}`]
    if (value === false) return [`--no-${name}`]
    return (Array.isArray(value) ? value : [value]).flatMap(item => [`--${name}`, String(item)])
  })
}

/** Settings that are only ever switched on: `false` is the default, and has no flag. */
function switches(settings: Readonly<Record<string, boolean | undefined>>): string[] {
  return flagsOf(Object.fromEntries(Object.entries(settings).filter(([, value]) => value === true)))
}

export function mirrorArgs(image: string, { withSignatures, ...mirror }: MirrorConfig): string[] {
  const { srcTlsVerify, destTlsVerify, ...others } = mirror
  const verify = {
    ...(srcTlsVerify === false && { srcTlsVerify }),
    ...(destTlsVerify === false && { destTlsVerify }),
  }
  return ['mirror', image, ...flagsOf({ ...others, ...verify }), ...switches({ withSignatures })]
}

/** The flags that choose profiles or models: what a lock records as the rule. */
export function choiceArgs({ profiles = {}, cache }: Pick<ModelSettings, 'profiles' | 'cache'>): string[] {
  const { ids, all, section, ...conditions } = profiles
  const { flat, modelName, modelEndpoint, modelUri } = cache
  return [
    ...switches({ all }),
    ...flagsOf({ profile: ids, section: section?.join(','), ...conditions }),
    ...switches({ flat }),
    ...flagsOf({ modelName, modelEndpoint, modelUri }),
  ]
}

/** @param choice flags that say what to download. */
export function cacheArgs(
  image: string,
  directory: string,
  { cache, choice }: { cache: ModelSettings['cache']; choice: readonly string[] },
): string[] {
  const { gpus, runtime, shmSize, network, user, pull, env = {} } = cache
  // Names alone: a value may be secret, and command lines are shown.
  const variables = Object.keys(env).flatMap(name => ['--env', name])
  return [
    'cache',
    image,
    directory,
    ...choice,
    ...flagsOf({ gpus, runtime, shmSize, network, user, pull }),
    ...variables,
  ]
}

/** Destinations that one command can serve, each byte read once: those of the same layout, links and so on. */
export function uploadGroups(destinations: readonly PlacedDestination[]): PlacedDestination[][] {
  return [...Map.groupBy(destinations, destination => uploadFlags(destination).join(' ')).values()]
}

/** @param from a directory, or another destination. */
export function uploadArgs(from: string, [first, ...others]: readonly PlacedDestination[]): string[] {
  if (first === undefined) throw new Error('An upload goes to one destination at least.')
  return ['upload', from, ...[first, ...others].map(({ argument }) => argument), ...uploadFlags(first)]
}

function uploadFlags({ layout, links, require, replace, delete: remove }: PlacedDestination): string[] {
  return [...flagsOf({ layout, links, require }), ...switches({ replace, delete: remove })]
}

interface StoredImage {
  reference: string
  digest: string
}

export function validateArgs({ argument, layout }: PlacedDestination, image: StoredImage): string[] {
  return ['validate', 'store', argument, ...imageArgs(layout, image)]
}

export function emitArgs(
  { kind, name, write, flags = {} }: EmitConfig,
  { model, from, image }: { model: ModelConfig; from: PlacedDestination; image: StoredImage },
): string[] {
  return [
    'emit',
    kind,
    name ?? model.name,
    '--cache',
    from.argument,
    ...imageArgs(from.layout, image),
    ...flagsOf(flags),
    '--write',
    write,
  ]
}

/** A bucket of layout `ngc` may hold several images. */
function imageArgs(layout: PlacedDestination['layout'], { reference, digest }: StoredImage): string[] {
  return layout === 'ngc' ? ['--image', `${reference}@${digest}`] : []
}
