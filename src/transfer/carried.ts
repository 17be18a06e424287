import type { StoredObject, Sums } from '../stores/store.ts'
import type { Phase, Report } from '../system/progress.ts'
import type { TransferStep } from './plan.ts'
import type { PreparedUpload } from './prepare-upload.ts'
import type { SendContext } from './send-file.ts'
import type { Expected } from './verify.ts'

export interface Counts {
  uploadedFiles: number
  /** That left this machine in this run. */
  uploadedBytes: number
  copiedFiles: number
  copiedBytes: number
  skippedFiles: number
  deletedFiles: number
}

/** What becomes of one destination while the plan is carried out. */
export interface Carried {
  prepared: PreparedUpload
  counts: Counts
  /** As the plan says, until files were read and copies tried. */
  steps: TransferStep[]
  /** Bytes of the parts in which a file was sent, by its path. */
  partSizes: Map<string, number>
  /** What was computed of a file while it was sent, by its path, where there is more than its CRC32C. */
  noted: Map<string, Sums>
  /** What has to be proved at the end, by key. */
  expected: Map<string, Expected>
  /** As the store answered, by key: what copies are made of. */
  sent: Map<string, StoredObject>
}

/** What a run knows, over all destinations. */
export interface Running extends SendContext {
  carried: Carried[]
  /** CRC32C by path of the source file. */
  sums: Map<string, number>
}

/** @param options.totals of this destination, where they are others from now on. */
export function enterPhase(
  { prepared: { url } }: Carried,
  phase: Phase,
  { report, totals }: { report: Report; totals?: { totalBytes?: number; totalFiles?: number } },
): void {
  report({ event: 'phase', destination: url, phase, ...totals })
}

/** What has to be proved of an object at the end. An ETag proves a content whose checksum the store gave with it. */
export function expectObject(
  { expected }: Pick<Carried, 'expected'>,
  key: string,
  { size, sum, object }: { size: number; sum: number | undefined; object: StoredObject | undefined },
): void {
  const proved = sum !== undefined && object?.crc32c === sum && object.etag !== undefined
  expected.set(key, { size, ...(sum !== undefined && { crc32c: sum }), ...(proved && { etag: object.etag }) })
}

/** As listed, with the checksum that is known of that very object. */
export function knownObject({ stored, remoteSums }: PreparedUpload, key: string): StoredObject | undefined {
  const object = stored.get(key)
  const crc32c = object?.crc32c ?? remoteSums.get(key)
  return object === undefined || crc32c === undefined ? object : { ...object, crc32c }
}
