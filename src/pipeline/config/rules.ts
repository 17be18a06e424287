import { closest } from 'fastest-levenshtein'

import { settingsOf } from './model-settings.ts'
import type { Config, ModelConfig } from './schema.ts'

/** A rule between several keys that is broken. */
export interface BrokenRule {
  path: readonly (string | number)[]
  what: string
  right?: string
}

type Rule = (config: Config) => BrokenRule[]

/** What the schema alone can't say. */
export function checkRules(config: Config): BrokenRule[] {
  return rules.flatMap(rule => rule(config))
}

const eachModel =
  (check: (model: ModelConfig, place: { index: number; config: Config }) => BrokenRule[]): Rule =>
  config =>
    config.models.flatMap((model, index) => check(model, { index, config }))

const uniqueNames: Rule = ({ models }) =>
  models.flatMap(({ name }, index) => {
    const first = models.findIndex(other => other.name === name)
    if (first === index) return []
    return [{ path: ['models', index, 'name'], what: `models[${first}] has this name already`, right: 'another name' }]
  })

const knownStores: Rule = config => {
  const known = Object.keys(config.stores ?? {})
  const places = [
    { path: ['defaults'], settings: config.defaults ?? {} },
    ...config.models.map((settings, index) => ({ path: ['models', index], settings })),
  ]
  return places.flatMap(({ path, settings }) =>
    (['upload', 'emit'] as const).flatMap(key =>
      (settings[key] ?? []).flatMap(({ store }, index) => {
        if (store === undefined || known.includes(store)) return []
        const right = known.length === 0 ? `a store under stores: with the name ${store}` : closest(store, known)
        return [{ path: [...path, key, index, 'store'], what: `there is no store ${store}`, right }]
      }),
    ),
  )
}

/** Of a native image its models, of others profiles or an address: one way to say what is wanted. */
const oneChoice = eachModel((model, { index, config }) => {
  const { profiles, cache } = settingsOf(model, config)
  const ways = [
    ...(profiles === undefined ? [] : ['profiles']),
    ...(['modelName', 'modelEndpoint', 'modelUri'] as const)
      .filter(key => cache[key] !== undefined)
      .map(key => `cache.${key}`),
  ]
  const own = (key: string) => (key === 'profiles' ? model.profiles : model.cache) !== undefined
  const path = ['models', index]
  if (ways.length === 0)
    return [
      {
        path,
        what: 'nothing says which profiles are wanted',
        right: 'profiles: with ids, all, or conditions such as gpu and tp',
      },
    ]
  if (ways.length > 1 && ways.every(way => own(way.split('.')[0] ?? '')))
    return [{ path, what: `${ways.join(' and ')} exclude each other`, right: `one of them` }]
  return []
})

const chosenSomehow: Rule = config =>
  [
    { path: ['defaults', 'profiles'], profiles: config.defaults?.profiles },
    ...config.models.map(({ profiles }, index) => ({ path: ['models', index, 'profiles'], profiles })),
  ].flatMap(({ path, profiles }) => {
    if (profiles === undefined) return []
    const { all, ...others } = profiles
    const keys = Object.keys(others)
    if (all === true && keys.length > 0)
      return [{ path, what: `all leaves nothing to choose for ${keys.join(', ')}`, right: 'all: true alone' }]
    if (all !== true && keys.length === 0)
      return [{ path, what: 'nothing is chosen', right: 'ids, all: true, or conditions such as gpu and tp' }]
    return []
  })

const differentDestinations = eachModel((model, { index, config }) => {
  const { upload } = settingsOf(model, config)
  const places = upload.map(({ store, prefix }) => `${store}/${prefix ?? model.name}`)
  return places.flatMap((place, at) => {
    const first = places.indexOf(place)
    if (first === at) return []
    return [
      {
        path: ['models', index, 'upload', at],
        what: `upload[${first}] goes to ${place} already`,
        right: 'another store or prefix',
      },
    ]
  })
})

const ownPrefixes: Rule = config => {
  const seen = new Map<string, number>()
  return config.models.flatMap((model, index) =>
    settingsOf(model, config)
      .upload.filter(({ layout }) => layout !== 'ngc')
      .flatMap(({ store, prefix }) => {
        const place = `${store}/${prefix ?? model.name}`
        const first = seen.get(place)
        seen.set(place, first ?? index)
        if (first === undefined || first === index || place.includes('{')) return []
        return [
          { path: ['models', index], what: `models[${first}] goes to ${place} too`, right: 'a prefix of its own' },
        ]
      }),
  )
}

const emittedFromSomewhere = eachModel((model, { index, config }) => {
  const { upload, emit } = settingsOf(model, config)
  return emit.flatMap(({ store }, at) => {
    const path = ['models', index, ...(model.emit === undefined ? [] : ['emit', at])]
    if (upload.length === 0)
      return [{ path, what: 'objects need a store to point at', right: 'upload: with a destination' }]
    if (store === undefined || upload.some(destination => destination.store === store)) return []
    return [{ path, what: `the model is not uploaded to ${store}`, right: upload[0]?.store ?? '' }]
  })
})

const absolutePrefixes: Rule = config =>
  config.models.flatMap((model, index) =>
    (model.upload ?? []).flatMap(({ prefix = '' }, at) => {
      if (!prefix.startsWith('/') && !prefix.split('/').includes('..')) return []
      return [
        {
          path: ['models', index, 'upload', at, 'prefix'],
          what: `"${prefix}" leaves the store's URL`,
          right: prefix.replaceAll('..', '').replace(/^\/+/, '') || model.name,
        },
      ]
    }),
  )

const rules: readonly Rule[] = [
  uniqueNames,
  knownStores,
  chosenSomehow,
  oneChoice,
  differentDestinations,
  ownPrefixes,
  absolutePrefixes,
  emittedFromSomewhere,
]
