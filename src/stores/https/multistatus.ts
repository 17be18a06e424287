import { withoutEntities } from '../http/xml.ts'

/** What PROPFIND says of a file or a folder. */
export interface DavEntry {
  /** Percent-encoded path, of a folder without the slash at its end. */
  path: string
  isFolder: boolean
  /** Bytes; 0 for folders. */
  size: number
}

/** What is asked for of each. */
export const wantedProperties = Buffer.from(
  '<?xml version="1.0" encoding="utf-8"?>\n' +
    '<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/></prop></propfind>',
)

/** The answer is no multistatus (RFC 4918, 13), or ended before its end. */
export class MultistatusError extends Error {}

/**
 * Reads the answer while it arrives: a folder may have more entries than fit into memory. Of the XML only what RFC 4918
 * makes of it is understood, by the local names of elements: servers differ in their prefixes alone.
 *
 * @throws MultistatusError
 */
export async function* readMultistatus(body: AsyncIterable<Buffer>): AsyncGenerator<DavEntry> {
  const decoder = new TextDecoder()
  let text = ''
  let ended = false
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    let from = 0
    for (const end of text.matchAll(endOfResponse)) {
      yield entryOf(text.slice(from, end.index))
      from = end.index + end[0].length
    }
    text = text.slice(from)
    ended ||= endOfAll.test(text)
    if (text.length > longestEntry) throw new MultistatusError('An entry has no end.')
  }
  if (!ended) throw new MultistatusError('It ended early.')
}

const endOfResponse = /<\/(?:[\w.-]+:)?response\s*>/g
const endOfAll = /<(?:\/(?:[\w.-]+:)?multistatus\s*|(?:[\w.-]+:)?multistatus[^>]*\/)>/
const longestEntry = 1024 * 1024

function entryOf(xml: string): DavEntry {
  const href = content(xml, 'href')
  if (href === undefined) throw new MultistatusError('An entry has no address.')
  const path = pathOf(href.trim())
  // What was asked for and is not there stands in a propstat of its own, empty.
  const size = /<(?:[\w.-]+:)?getcontentlength[^>]*>\s*(\d+)\s*</.exec(xml)?.[1]
  const isFolder = /<(?:[\w.-]+:)?collection[\s/>]/.test(xml)
  if (!isFolder && size === undefined) throw new MultistatusError(`It names no size for ${path}.`)
  return { path: path.replace(/\/$/, ''), isFolder, size: isFolder ? 0 : Number(size) }
}

/** Some servers answer with whole addresses. */
function pathOf(href: string): string {
  const path = /^[a-z][a-z\d+.-]*:\/\/[^/]*(\/.*)?$/i.exec(href)
  return path === null ? href : (path[1] ?? '/')
}

/** The text of the first element of this name. */
function content(xml: string, name: string): string | undefined {
  const text = new RegExp(`<(?:[\\w.-]+:)?${name}(?:\\s[^>]*)?>([^<]*|<!\\[CDATA\\[[^\\]]*\\]\\]>)</`).exec(xml)?.[1]
  return text === undefined ? undefined : withoutEntities(text.replace(/^<!\[CDATA\[([^\]]*)\]\]>$/, '$1'))
}
