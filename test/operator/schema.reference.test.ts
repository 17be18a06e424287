import { describe, expect, it } from 'vitest'

import { operatorKinds, schemas } from '../../src/operator/schema/kinds.ts'
import { operatorVersions } from '../../src/operator/versions.ts'
import { crdSchemaOf } from './crds.ts'
import { factsOfField, factsOfSchema } from './facts.ts'

/** Left out of our tables: the API server's own part, and what the operator alone writes. */
const notHeld: Record<string, string> = {
  metadata: 'ObjectMeta is checked by rules of its own (src/operator/check/metadata.ts)',
  status: 'the API server drops a status that is applied; the operator writes it',
}

const cases = operatorVersions.flatMap(version => operatorKinds.map(kind => ({ version, kind })))

describe('our tables say what the CRDs say', () => {
  it.each(cases)('$kind of $version', ({ kind, version }) => {
    const theirs = [...factsOfSchema(crdSchemaOf(kind, version))].filter(isHeld)
    const ours = [...factsOfField(schemas[kind], version)].filter(isHeld)
    expect(theirs.length).toBeGreaterThan(60)
    expect({
      missing: theirs.filter(fact => !ours.includes(fact)),
      invented: ours.filter(fact => !theirs.includes(fact)),
    }).toEqual({ missing: [], invented: [] })
  })
})

function isHeld(fact: string): boolean {
  const [top = ''] = fact.split(/[. ]/)
  return notHeld[top] === undefined
}
