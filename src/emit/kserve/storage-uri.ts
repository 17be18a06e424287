import { archiveKey, type InventoryHeader } from '../../inventory/inventory.ts'
import { NimctlError } from '../../system/errors.ts'
import { parseReaderAddress } from '../../validate/readers/address.ts'
import { kserve } from '../../validate/readers/kserve.ts'

type Upload = Pick<InventoryHeader, 'layout' | 'links'>

/**
 * The address under which KServe's own storage initializer finds an upload, spelled as that reads it: for each store in
 * its way (reference/nim.md, section 6.4).
 *
 * @param url of the prefix, as nimctl and the cluster call it.
 * @throws NimctlError `usage` / `LAYOUT_MISMATCH` or `KSERVE_UNREADABLE`, with what works.
 */
export function kserveStorageUri(url: URL, header: InventoryHeader): string {
  refuseLayout(url, header)
  if (url.protocol === 'file:')
    throw unreadable(url, 'no pod can see a directory of this machine', 'Name a store with --store-url')
  const uri = spelled(url, header)
  if (isHdfs(url)) return uri
  const address = parseReaderAddress(uri)
  if (address.kind === 'azure' && address.protocol !== 'az:' && !azureHosts.test(uri))
    throw unreadable(url, 'it knows only accounts of Azure’s public cloud', withLoader)
  const [wrong] = kserve.checkAddress(address, header).filter(({ status }) => status === 'failed')
  if (wrong !== undefined) throw unreadable(url, wrong.found ?? wrong.name, wrong.next ?? withLoader)
  return uri
}

/** nimctl restores each of them in a pod. @throws NimctlError `usage` / `LAYOUT_MISMATCH`. */
export function refuseNoCache(url: URL, { layout }: Upload): void {
  if (layout === 'cache' || layout === 'tar') return
  throw new NimctlError('usage', 'LAYOUT_MISMATCH', {
    what: `KServe has no use for ${url.href}: it is of layout ${layout}.`,
    why:
      layout === 'ngc'
        ? 'That is a mirror of NGC, which a NIM reads itself, by NIM_REPOSITORY_OVERRIDE.'
        : 'It is no cache of a NIM.',
    next: 'Upload the cache for it: nimctl upload DIR URL; or with --layout tar, which keeps links and empty files',
  })
}

function refuseLayout(url: URL, header: Upload): void {
  refuseNoCache(url, header)
  if (header.layout === 'tar' || header.links !== 'record') return
  throw unreadable(url, 'the links of this cache stand in the inventory alone', withLoader)
}

const withLoader =
  'Let nimctl’s own image read it: --loader-image REGISTRY/nimctl:VERSION; or upload it again with --layout tar'

function unreadable(url: URL, why: string, next: string): NimctlError {
  return new NimctlError('usage', 'KSERVE_UNREADABLE', {
    what: `KServe's storage initializer can't read ${url.href}.`,
    why: `As it sees it: ${why}.`,
    next,
  })
}

/** As the initializer tells Azure from other servers. */
const azureHosts = /^https:\/\/.+?\.(?:blob\.core\.windows\.net|z\d{1,2}\.blob\.storage\.azure\.net)\/.+/

function isHdfs({ protocol }: URL): boolean {
  return /^(?:hdfs|s?webhdfs):$/.test(protocol)
}

/** It decodes no percent signs, except over https; a slash at the end keeps neighbours away in S3. */
function spelled(url: URL, { layout }: Upload): string {
  const path = decodeURIComponent(url.pathname).replaceAll(/^\/+|\/+$/g, '')
  const archive = layout === 'tar' ? archiveKey : ''
  if (isHdfs(url)) {
    const scheme = url.protocol === 'hdfs:' ? 'hdfs' : 'webhdfs'
    return `${scheme}://${[path, archive].filter(part => part !== '').join('/')}`
  }
  if (url.protocol === 'https:' || url.protocol === 'http:') {
    const folder = url.href.replace(/\/*$/, '/')
    return `${parseReaderAddress(url.href).kind === 'azure' ? decodeURIComponent(folder) : folder}${archive}`
  }
  return `${url.protocol}//${url.host}/${path === '' ? '' : `${path}/`}${archive}`
}
