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
  profiles: ManifestProfile[]
}
