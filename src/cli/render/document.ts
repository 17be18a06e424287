/** Characters that are handed on at once. */
const pieceLength = 64 * 1024

/** One JSON document whose last field is a list, written piece by piece, so that it may be longer than memory. */
export async function* renderDocument(
  fields: object,
  name: string,
  items: Iterable<unknown> | AsyncIterable<unknown>,
): AsyncGenerator<string> {
  let piece = `${JSON.stringify(fields).slice(0, -1)},${JSON.stringify(name)}:[`
  let first = true
  for await (const item of items) {
    piece += `${first ? '' : ','}${JSON.stringify(item)}`
    first = false
    if (piece.length < pieceLength) continue
    yield piece
    piece = ''
  }
  yield `${piece}]}\n`
}
