const sha256 = '[0-9a-f]{64}'
/** Ids of the oldest images, such as nvclip 1.0.0 (reference/nim.md 2.1, rule 7). */
const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

const wholeId = new RegExp(`^(?:${sha256}|${uuid})$`)
const leadingId = new RegExp(`^(?:${sha256}|${uuid})(?![0-9a-f])`)

export function isProfileId(text: string): boolean {
  return wholeId.test(text)
}

/** The id that `text` begins with. Ids elsewhere are not looked for: descriptions and log lines hold 64 digits too. */
export function leadingProfileId(text: string): string | undefined {
  return leadingId.exec(text)?.[0]
}
