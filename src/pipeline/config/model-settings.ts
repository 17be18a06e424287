import type { Config, Destination, EmitConfig, MirrorConfig, ModelConfig } from './schema.ts'

/** What holds for a model: its own settings, else the defaults. A setting replaces the default as a whole. */
export interface ModelSettings {
  profiles: ModelConfig['profiles']
  cache: NonNullable<ModelConfig['cache']>
  mirror: MirrorConfig | undefined
  upload: readonly Destination[]
  emit: readonly EmitConfig[]
}

/** The container's variables, as the environment of `nimctl cache`, which passes them on by name. */
export function variablesOf({ cache }: Pick<ModelSettings, 'cache'>): Record<string, string> {
  return Object.fromEntries(Object.entries(cache.env ?? {}).map(([name, value]) => [name, String(value)]))
}

export function settingsOf(model: ModelConfig, { defaults = {} }: Config): ModelSettings {
  const { profiles, mirror = defaults.mirror, upload, emit } = model
  const cache = { ...defaults.cache, ...model.cache }
  const named = [cache.modelName, cache.modelEndpoint, cache.modelUri].some(way => way !== undefined)
  return {
    // A model that names its files otherwise takes no profiles from the defaults.
    profiles: profiles ?? (named ? undefined : defaults.profiles),
    cache,
    mirror: mirror === false ? undefined : mirror,
    upload: upload ?? defaults.upload ?? [],
    emit: emit ?? defaults.emit ?? [],
  }
}
