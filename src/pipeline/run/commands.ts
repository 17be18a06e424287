import { parseImageReference } from '../../image/reference.ts'
import type { StepName } from '../config/schema.ts'
import type { ModelPlan } from './plan.ts'
import { cacheArgs, choiceArgs, emitArgs, mirrorArgs, uploadArgs, uploadGroups, validateArgs } from './step-args.ts'

/** The command lines that a step of a model takes. */
export function commandsOf(step: StepName, plan: ModelPlan): string[][] {
  const { model, settings, directory, resolved, places } = plan
  const image = { reference: model.image, digest: resolved.imageDigest }
  switch (step) {
    case 'mirror':
      return settings.mirror === undefined ? [] : [mirrorArgs(pinned(plan), settings.mirror)]
    case 'profiles':
      return []
    case 'cache':
      return [cacheArgs(pinned(plan), directory, { cache: settings.cache, choice: choiceOf(plan) })]
    case 'upload':
      return uploadsOf(plan)
    case 'validate':
      return places.map(({ place }) => validateArgs(place, image))
    case 'emit':
      return settings.emit.flatMap(emit => {
        const from = places.find(({ place }) => emit.store === undefined || place.store === emit.store)?.place
        return from === undefined ? [] : [emitArgs(emit, { model, from, image })]
      })
  }
}

/** From the first destination that has it, else from the cache of this machine. */
function uploadsOf({ directory, places }: ModelPlan): string[][] {
  const source = places.find(({ state }) => state === 'matches')?.place.argument ?? directory
  const missing = places.filter(({ state }) => state !== 'matches').map(({ place }) => place)
  return uploadGroups(missing).map(group => uploadArgs(source, group))
}

/** The profiles that were found, by id: what is downloaded is what was planned. */
function choiceOf({ resolved, settings }: ModelPlan): string[] {
  const { cache, profiles } = settings
  if (profiles === undefined || profiles.all === true) return choiceArgs(settings)
  return [...resolved.profiles.flatMap(id => ['--profile', id]), ...(cache.flat === true ? ['--flat'] : [])]
}

/** The image by the digest that the plan is of, so that a tag that moves meanwhile changes nothing. */
function pinned({ model, resolved }: ModelPlan): string {
  const reference = parseImageReference(model.image)
  const byDigest = reference.transport === 'docker' && reference.digest === undefined
  return byDigest ? `${model.image}@${resolved.imageDigest}` : model.image
}
