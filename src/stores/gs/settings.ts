/** What flags and environment say of Google Cloud Storage. */
export interface GsSettings {
  /** A server in Google's place, as STORAGE_EMULATOR_HOST names it: with or without a scheme. */
  emulatorHost?: string
  /** The project that pays for requests. */
  billingProject?: string
  /** E-mail addresses of service accounts: the last one is who acts, those before it lend it to each other. */
  impersonate?: readonly string[]
}
