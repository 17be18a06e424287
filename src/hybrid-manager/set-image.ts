import { distance } from 'fastest-levenshtein'

import { formatImageReference, parseImageReference } from '../image/reference.ts'
import { NimctlError } from '../system/errors.ts'
import type { HybridManager } from './client.ts'
import type { HybridManagerModel, ModelList } from './model-list.ts'

export interface ImageChange {
  id: string
  name?: string
  /** Absent where the model had none. */
  before?: string
  after: string
  status: 'changed' | 'unchanged' | 'planned'
}

/**
 * Gives a model another image, and reads it again to see it. Nothing is sent where it has that image.
 *
 * @throws NimctlError `usage` / `IMAGE_REFERENCE_INVALID`; `not-found` / `HM_MODEL_UNKNOWN` with the nearest;
 * `check-failed` / `HM_IMAGE_NOT_SET`; and what the API throws.
 */
export async function setModelImage(
  api: HybridManager,
  { id, image, dryRun }: { id: string; image: string; dryRun: boolean },
): Promise<ImageChange> {
  const after = parsePulled(image)
  const model = findModel(await api.listModels(), id)
  const { name, image: before } = model
  const change = { id, ...(name !== undefined && { name }), ...(before !== undefined && { before }), after }
  if (before === after) return { ...change, status: 'unchanged' }
  if (dryRun) return { ...change, status: 'planned' }
  await api.setImage(id, after)
  const found = findModel(await api.listModels(), id).image
  if (found !== after) throw notSet(id, after, found)
  return { ...change, status: 'changed' }
}

/** As pods name it: a registry's. */
function parsePulled(image: string): string {
  const reference = parseImageReference(image)
  if (reference.transport === 'docker') return formatImageReference(reference)
  throw new NimctlError('usage', 'IMAGE_REFERENCE_INVALID', {
    what: `${image} lies where no pod pulls it from.`,
    next: 'Name it as its registry has it: registry.internal:5000/nim/nvidia/nvclip:latest',
  })
}

function findModel({ models, complete }: ModelList, id: string): HybridManagerModel {
  const found = models.find(model => model.id === id)
  if (found !== undefined) return found
  const near = ({ id: other, name = '' }: HybridManagerModel) => Math.min(distance(id, other), distance(id, name))
  const [nearest] = models.toSorted((a, b) => near(a) - near(b))
  throw new NimctlError('not-found', 'HM_MODEL_UNKNOWN', {
    what: `Hybrid Manager has no model with the id "${id}".`,
    why:
      nearest === undefined
        ? 'It has no models.'
        : `The nearest of ${models.length}: ${nearest.id}${nearest.name === undefined ? '' : ` (${nearest.name})`}.` +
          (complete ? '' : ' It did not show all.'),
    next: 'See all ids with: nimctl hm models',
  })
}

function notSet(id: string, expected: string, found: string | undefined): NimctlError {
  return new NimctlError('check-failed', 'HM_IMAGE_NOT_SET', {
    what: `Hybrid Manager took the new image of model ${id}, and shows another one.`,
    why: `Expected ${expected}, found ${found ?? 'none'}.`,
    next: 'Look whether somebody else changes it: nimctl hm models',
  })
}
