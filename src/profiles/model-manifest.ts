import type { ManifestParser } from '../operator/match-profiles.ts'

/** A file of a profile's workspace. Version 1 manifests name no NGC version, some not even the repository. */
export interface ManifestFile {
  /** Where it belongs in the workspace, such as `trtllm_engine/rank0.engine`. */
  path: string
  /** `org/team/model` of NGC. */
  repository?: string
  /** NGC version, the name of the snapshot. */
  version?: string
  /** The file's name at NGC, which is its path in the snapshot. */
  file: string
  /** Bytes, where the manifest says them. */
  size?: number
}

export interface ManifestProfile {
  id: string
  model?: string
  release?: string
  containerUrl?: string
  tags: Record<string, string>
  files: ManifestFile[]
}

/** The image's `model_manifest.yaml` (reference/nim.md, section 3). */
export interface ModelManifest {
  schemaVersion: 1 | 2
  /** What the NIM Operator makes of it; `none` where it can't read it, such as the form of MolMIM 1.0. */
  operatorParser?: ManifestParser | 'none'
  profiles: ManifestProfile[]
}
