/** How `file://` makes copies. */
export interface FileSettings {
  /** As further names of one file, where the file system can: who changes the one changes the other. */
  hardLinks?: boolean
  /** Told once, where it can't. */
  onNoHardLinks?: (why: string) => void
}
