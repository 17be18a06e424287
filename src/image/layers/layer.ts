/** One layer of an image, as it is stored. */
export interface Layer {
  /** `sha256:…` */
  digest: string
  /** Of the bytes as they are stored, or, where only that is known, unpacked. */
  digestOf: 'stored' | 'unpacked'
  /** Bytes, as stored. */
  size: number
  /** The build step behind it; empty where nobody kept it. */
  createdBy: string
  /** Its bytes as they are stored; the signal ends what brings them. */
  open(signal: AbortSignal): AsyncIterable<Buffer>
}
