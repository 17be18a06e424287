import type { Secret } from '../../system/secret.ts'

/** What the environment says of web servers. What stands in the address comes first. */
export interface HttpsSettings {
  username?: string
  password?: Secret
  /** Sent as `Authorization: Bearer …`. */
  token?: Secret
  /** A file with it, read anew when the server no longer takes it. */
  tokenFile?: string
  /** A file with headers for every request, one a line, as curl's `-H @FILE` reads it. */
  headerFile?: string
}
