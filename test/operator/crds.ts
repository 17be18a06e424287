import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { parse } from 'yaml'

import type { OperatorKind } from '../../src/operator/schema/kinds.ts'
import type { OperatorVersion } from '../../src/operator/versions.ts'
import type { Schema } from '../emit/structural-schema.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** The shared folder with the CRDs, samples and references. */
export const reference = process.env['NIMCTL_REFERENCE_DIR'] ?? join(repository, '..', 'shared')

/** The CRDs of 3.0.1 are those of 3.0.0: `git diff v3.0.0 v3.0.1 -- config/crd/bases` of k8s-nim-operator is empty. */
export function crdFolder(version: OperatorVersion): string {
  const folder = version === 'main' ? '' : `v${version === '3.0.1' ? '3.0.0' : version}`
  return join(reference, 'crds', folder)
}

export function crdSchemaOf(kind: OperatorKind, version: OperatorVersion): Schema {
  const path = join(crdFolder(version), `apps.nvidia.com_${kind.toLowerCase()}s.yaml`)
  const crd: { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } } = parse(readFileSync(path, 'utf8'))
  const [version1] = crd.spec.versions
  if (version1 === undefined) throw new Error(`${path} has no version.`)
  return version1.schema.openAPIV3Schema
}
