import { expect, it } from 'vitest'

import { parseAssignment } from '../../../src/emit/finish/assignment.ts'
import { finish } from '../../../src/emit/finish/finish.ts'
import { parsePatches } from '../../../src/emit/finish/patch.ts'
import { emitStack } from '../../../src/emit/stack.ts'
import { failureOf } from '../failure.ts'
import { aRequest } from '../request.ts'

const name = 'llama-3-2-1b-instruct'
const set = (...texts: string[]) => ({ patches: [], assignments: texts.map(parseAssignment) })

it('does patches, then assignments, and keeps comments, warnings and order', () => {
  const emitted = emitStack(aRequest())
  const patches = parsePatches(`kind: NIMService\nmetadata: {name: ${name}}\nspec: {replicas: 2}\n`, 'p.yaml')
  const finished = finish(emitted, { ...set('NIMService:spec.replicas=3'), patches }, '3.1.2')
  expect(finished).toMatchObject({ ...emitted, objects: [{}, {}, { spec: { replicas: 3 } }] })
})

it.each([
  ['3.1.2', 'NIMService:spec.replicaz=3', 'spec.replicaz'],
  ['3.1.2', 'NIMService:spec.storage.pvc={"name":"x"}', 'spec.storage'],
  ['3.1.2', 'NIMCache:spec.source.ngc.model.engine=vllm', 'spec.source.ngc.model.engine'],
  ['3.0.2', 'NIMService:spec.priorityClassName=high', 'spec.priorityClassName'],
] as const)('operator %s: refuses what it would refuse or drop after %s', (operatorVersion, text, path) => {
  const emitted = emitStack(aRequest({ operatorVersion }))
  const failure = failureOf(() => finish(emitted, set(text), operatorVersion))
  expect(failure).toMatchObject({ category: 'usage', code: 'OBJECT_INVALID' })
  expect(failure.why).toContain(path)
})
