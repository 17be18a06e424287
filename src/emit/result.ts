import type { KubernetesObject } from '../operator/objects.ts'

/** For whoever reads the YAML: what a field is there for, or what to adapt. */
export interface Comment {
  kind: string
  /** From the object's root; an entry of a list of named things is reached by its name. */
  path: readonly string[]
  text: string
}

export interface EmitResult {
  /** In the order in which they should be applied. */
  objects: KubernetesObject[]
  comments: Comment[]
  /** What must be there before they are applied. */
  prerequisites: string[]
  warnings: string[]
}

/** A part of a result: what each stage adds. */
export function emitted(part: Partial<EmitResult>): EmitResult {
  return { objects: [], comments: [], prerequisites: [], warnings: [], ...part }
}

export function joined(...parts: EmitResult[]): EmitResult {
  return {
    objects: parts.flatMap(part => part.objects),
    comments: parts.flatMap(part => part.comments),
    prerequisites: [...new Set(parts.flatMap(part => part.prerequisites))],
    warnings: [...new Set(parts.flatMap(part => part.warnings))],
  }
}
