import type { ManifestParser } from '../operator/match-profiles.ts'

/** Where a profile stands on the host that was asked; `unknown` where nobody was asked (the manifest alone). */
export const sections = ['runnable', 'low-memory', 'compilable', 'incompatible', 'unknown'] as const

export type Section = (typeof sections)[number]

export interface ListedGpu {
  name: string
  /** `26b9:10de`, device then vendor, as the list prints it. */
  pciId?: string
  index?: number
  free: boolean
  utilizationPercent?: number
}

export interface ListedProfile {
  /** 64 hex digits; a UUID in the oldest images. */
  id: string
  /** What NIM_MODEL_PROFILE also takes; empty where the list has none. */
  description: string
  section: Section
  lora: boolean
  tags: Record<string, string>
  requiresGbPerGpu?: number
  /** From the manifest: the number of files. */
  files?: number
  /** Of its files, where all of their sizes are known. */
  bytes?: number
  /** Of its files, what other selected profiles have too. */
  shared?: FileCount
  /** Of its files, what the place of `--new-to` does not hold. */
  new?: FileCount
  selected: boolean
  why?: string
}

/** Different files, and their bytes where all of their sizes are known. */
export interface FileCount {
  files: number
  bytes?: number
}

/** What an image offers, and what one host said of it (cli.md, JSON that scripts rely on). */
export interface ProfileListing {
  source: 'manifest' | 'docker' | 'kubernetes' | 'file'
  image?: string
  imageDigest?: string
  family?: string
  /** Of the NIM, where the image states it. */
  imageVersion?: string
  /** As the image states it. */
  imageUser?: string
  /** Programs that images of the family hold. */
  utilities?: string[]
  /** Which of the NIM Operator's parsers reads the model manifest; absent where there was none. */
  operatorParser?: ManifestParser | 'none'
  gpus: ListedGpu[]
  profiles: ListedProfile[]
  /** The selected profiles together, each file once; absent where the manifest does not tell files apart. */
  together?: FileCount & { new?: FileCount }
  warnings: string[]
}
