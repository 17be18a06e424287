import type { StoreOptions } from '../open.ts'
import type { Capabilities, Store } from '../store.ts'
import { type Abilities, findAbilities } from './abilities.ts'
import { canCopy, copyFile } from './copy.ts'
import { removeFile, statFile } from './files.ts'
import { openFolders } from './folders.ts'
import { listFiles } from './list.ts'
import { readFile } from './read.ts'
import { openServer } from './server.ts'
import type { Site } from './site.ts'
import { openHttpsUpload } from './upload.ts'
import { putFile } from './write.ts'

/** A web server: WebDAV, Artifactory, Nexus, or whatever takes PUT. It is asked first what it is capable of. */
export async function openHttpsStore(url: URL, options: StoreOptions): Promise<Store> {
  const server = await openServer(url, options)
  const signal = options.signal ?? new AbortController().signal
  const abilities = await findAbilities(server, signal).catch((error: unknown) => {
    server.close()
    throw error
  })
  const site: Site = { server, abilities, folders: openFolders(server) }
  return {
    url: server.url,
    capabilities: capabilitiesOf(abilities),
    list: (prefix, cursor, options) => listFiles(server, abilities, { prefix, cursor, ...options }),
    stat: (key, options) => statFile(site, key, options),
    put: (key, bytes, sums, options) => putFile(site, key, { bytes, sums, ...options }),
    openUpload: (key, options) => openHttpsUpload(site, key, options),
    copy: (from, to, { signal }) => copyFile(site, { from, to, signal }),
    read: (key, range, options) => readFile(site, key, { range, ...options }),
    remove: (key, options) => removeFile(site, key, options),
    identity: async () => server.identity,
    close: () => server.close(),
  }
}

const gibibyte = 1024 ** 3

/** With more, each would wait so long for its next part that servers give it up: nginx does after 60 seconds. */
const maxOpenUploads = 8

/** Servers name no largest size: what is too large, they refuse. */
function capabilitiesOf(abilities: Abilities): Capabilities {
  const { listing, hidesDotNames, product } = abilities
  // Artifactory's SHA-1 of the whole was compared on arrival. Nobody else says what arrived, but its size.
  const proof = product === 'artifactory' ? 'parts' : 'size'
  return {
    serverCopy: canCopy(abilities),
    parallelParts: false,
    minPart: 1,
    maxPart: gibibyte,
    maxParts: 1_000_000,
    maxOpenUploads,
    maxPut: gibibyte,
    listingProof: 'size',
    statProof: proof,
    conditionalPut: false,
    sortedListing: false,
    ...(hidesDotNames && { listing: 'no-dot-names' }),
    ...(listing === 'none' && { listing }),
  }
}
