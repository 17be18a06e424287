/** The text of the first element of this name that holds nothing but text. Stores write no attributes there. */
export function element(xml: string, name: string): string | undefined {
  const start = xml.indexOf(`<${name}>`)
  if (start < 0) return undefined
  const from = start + name.length + 2
  const end = xml.indexOf('<', from)
  return xml.startsWith(`</${name}>`, end) ? withoutEntities(xml.slice(from, end)) : undefined
}

/** What stands between the tags of each element of this name, in order. Elements of one name are not nested here. */
export function* elements(xml: string, name: string): Generator<string> {
  const open = `<${name}>`
  const close = `</${name}>`
  for (let start = xml.indexOf(open); start >= 0;) {
    const end = xml.indexOf(close, start)
    if (end < 0) return
    yield xml.slice(start + open.length, end)
    start = xml.indexOf(open, end)
  }
}

/** Text of XML, as it is meant. */
export function withoutEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(quot|apos|lt|gt|amp));/g, (all, decimal, hex, name) => {
    if (typeof name === 'string') return entities[name] ?? all
    const code = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(hex, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : all
  })
}

const entities: Record<string, string> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' }
