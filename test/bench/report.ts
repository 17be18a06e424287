const begin = '<!-- bench: begin -->'
const end = '<!-- bench: end -->'

/** @throws Error where the document has no place for it. */
export function writeReport(document: string, text: string): string {
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from < 0 || to < from) throw new Error(`The document has no ${begin} and ${end}.`)
  return `${document.slice(0, from + begin.length)}\n\n${text}\n\n${document.slice(to)}`
}
