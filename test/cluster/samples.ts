import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { parseAllDocuments } from 'yaml'

import type { KubernetesObject } from '../../src/operator/objects.ts'
import { reference } from './crds.ts'

export interface Sample {
  /** Below the folder of samples, and which document of it. */
  name: string
  object: KubernetesObject
}

/** The operator's own samples, some of them wrong, and the three shapes: each document of each file. */
export function readSamples(): Sample[] {
  const folder = join(reference, 'samples')
  const files = ['operator', 'emit'].flatMap(each =>
    readdirSync(join(folder, each), { recursive: true, encoding: 'utf8' }).map(path => join(each, path)),
  )
  return files
    .filter(path => path.endsWith('.yaml'))
    .toSorted()
    .flatMap(path =>
      parseAllDocuments(readFileSync(join(folder, path), 'utf8')).flatMap((document, index): Sample[] => {
        const object: unknown = document.toJS()
        return isKubernetesObject(object) ? [{ name: `${path} ${index}`, object }] : []
      }),
    )
}

/** A file may end with a separator. */
function isKubernetesObject(value: unknown): value is KubernetesObject {
  return typeof value === 'object' && value !== null && 'kind' in value && 'apiVersion' in value
}
