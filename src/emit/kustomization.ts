import type { KubernetesObject } from '../operator/objects.ts'
import type { EmitResult } from './result.ts'

/** A directory of files that `kubectl apply -k` takes, relative to where all are written. */
export interface Stage {
  /** Empty: the directory itself. */
  directory: string
  files: { name: string; result: EmitResult }[]
}

/**
 * One file for each object. A NIMBuild is a stage of its own: applied before its NIMCache is ready, it fails and is not
 * tried again (reference/operator.md, section 5).
 */
export function stagesOf(result: EmitResult, extension: string): Stage[] {
  const stage = (directory: string, objects: readonly KubernetesObject[]): Stage[] =>
    objects.length === 0 ? [] : [{ directory, files: objects.map(object => fileOf(object, result, extension)) }]
  const builds = result.objects.filter(({ kind }) => kind === 'NIMBuild')
  const others = result.objects.filter(({ kind }) => kind !== 'NIMBuild')
  return [...stage('', others), ...stage(others.length === 0 ? '' : 'build', builds)]
}

function fileOf(object: KubernetesObject, result: EmitResult, extension: string) {
  return {
    name: `${object.kind.toLowerCase()}-${object.metadata.name}.${extension}`,
    // What it needs stands in the kustomization, once.
    result: { ...result, objects: [object], prerequisites: [], warnings: [] },
  }
}

/** Kustomize would sort the objects by kind; `fifo` keeps the order. */
export function renderKustomization({ files }: Stage): string {
  const resources = files.map(({ name }) => `  - ${name}`)
  return `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsortOptions:\n  order: fifo\nresources:\n${resources.join('\n')}\n`
}
