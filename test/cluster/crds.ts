import { join } from 'node:path'

import type { ApiServer } from './start-api-server.ts'

const repository = join(import.meta.dirname, '../..')

/** With the CRDs of the operator's releases and its samples: NIMCTL_REFERENCE_DIR, else beside the repository. */
export const reference = process.env['NIMCTL_REFERENCE_DIR'] ?? join(repository, '..', 'shared')

const plurals = ['nimbuilds', 'nimcaches', 'nimpipelines', 'nimservices']

/** Paths of the CRDs of one operator version. */
export function crdFiles(version: string): string[] {
  const folder = join(reference, 'crds', version === 'main' ? '' : `v${version}`)
  return plurals.map(plural => join(folder, `apps.nvidia.com_${plural}.yaml`))
}

/** Exchanges the CRDs: deleted first, so that nothing is asked of those of another version. */
export async function installCrds(server: ApiServer, version: string): Promise<void> {
  await server.kubectl(['delete', 'crd', '--all', '--ignore-not-found'])
  // A plain apply would copy each CRD into an annotation, which may hold 256 KiB.
  await server.kubectl(['apply', '--server-side', ...crdFiles(version).flatMap(file => ['-f', file])])
  await server.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'])
  await server.kubectl(['get', plurals.join(',')])
}
