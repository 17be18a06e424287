import type { Answer } from '../http/answer.ts'
import { isIndex } from './index-page.ts'
import { foldersAbove } from './location.ts'
import { wantedProperties } from './multistatus.ts'
import type { Server } from './server.ts'

/** What a server was found to be capable of. */
export interface Abilities {
  /** It knows MKCOL, COPY and MOVE. */
  dav: boolean
  /** How a folder can be listed. */
  listing: 'propfind' | 'index' | 'none'
  /** Names that begin with a dot are left out of listings: nginx does so, in WebDAV and in its index. */
  hidesDotNames: boolean
  /** A repository manager that computes a SHA-1 over what it stores, and says it. */
  product: 'artifactory' | 'nexus' | undefined
}

/** Asks, with requests that change nothing. The prefix need not be there. */
export async function findAbilities(server: Server, signal: AbortSignal): Promise<Abilities> {
  const common = { path: server.path, accepts: isAnswerOrRefusal, signal } as const
  const options = await server.ask({ method: 'OPTIONS', ...common })
  const headers = { depth: '0', 'content-type': 'application/xml' }
  const found = await server.ask({ method: 'PROPFIND', headers, body: wantedProperties, ...common })
  const hidesDotNames = /^nginx\b/i.test(String(options.headers.server ?? ''))
  const product = productOf(options) ?? productOf(found)
  // Where nothing lies yet, only the header tells.
  const speaksDav = options.headers['dav'] !== undefined && options.status < 300
  if (found.status === 207 || (found.status === 404 && speaksDav && product === undefined)) {
    return { dav: product === undefined, listing: 'propfind', hidesDotNames, product }
  }
  const page = await firstIndex(server, [server.path, ...foldersAbove(server.path), '/'], signal)
  const listing = page.status === 200 && isIndex(page) ? 'index' : 'none'
  return {
    dav: speaksDav && product === undefined,
    listing,
    hidesDotNames: hidesDotNames || listing === 'index',
    product: product ?? productOf(page),
  }
}

/** Of a folder that is not there, what the next one above it answers. */
async function firstIndex(server: Server, [path = '/', ...above]: string[], signal: AbortSignal): Promise<Answer> {
  const headers = { accept: 'application/json' }
  const accepts = path === server.path ? isAnswer : isAnswerOrRefusal
  const page = await server.ask({ method: 'GET', path, headers, accepts, signal })
  return page.status === 404 && above.length > 0 ? await firstIndex(server, above, signal) : page
}

/** Whatever a server says of a method that it does not know; but not that it is busy, or asks who is there. */
function isAnswer(status: number): boolean {
  return status === 501 || (status < 500 && ![401, 407, 408, 425, 429].includes(status))
}

/** Who may read need not be permitted to ask this; whether it may read, another question shows. */
function isAnswerOrRefusal(status: number): boolean {
  return status === 401 || isAnswer(status)
}

function productOf({ headers }: Answer): Abilities['product'] {
  const server = String(headers.server ?? '')
  if (headers['x-artifactory-id'] !== undefined || /^Artifactory\//i.test(server)) return 'artifactory'
  return /^Nexus\//i.test(server) ? 'nexus' : undefined
}
