import { archiveKey } from '../../inventory/inventory.ts'
import { isAzureHost } from '../../stores/azure/host.ts'

type AddressKind = 's3' | 'gs' | 'azure' | 'hdfs' | 'https' | 'file'

/** A URL as it is given to a reader: character by character, since readers decode and complete it each in their way. */
export interface ReaderAddress {
  /** Without a query, which may hold a SAS. */
  text: string
  /** With colon, such as `s3:`. */
  protocol: string
  kind: AddressKind
  /** Bucket, namenode or host. */
  authority: string
  /** Behind bucket or container, without a slash at its beginning; of web servers and HDFS the whole path. */
  prefix: string
  /** It names the archive of layout `tar` itself. */
  isArchive: boolean
}

/** @param url one that `openStore` takes, as it was typed. */
export function parseReaderAddress(url: string): ReaderAddress {
  const [text = '', scheme = '', authority = '', path = ''] =
    /^([a-z][a-z0-9]*:)(?:\/\/([^/?#]*))?([^?#]*)/i.exec(url) ?? []
  const protocol = scheme.toLowerCase()
  const kind = kindOf(protocol, authority)
  const rest = path.replace(/^\//, '')
  const hasContainer = kind === 'azure' && protocol !== 'az:'
  const prefix = hasContainer ? rest.replace(/^[^/]*\/?/, '') : rest
  return { text, protocol, kind, authority, prefix, isArchive: prefix.split('/').at(-1) === archiveKey }
}

/** What nimctl opens: the folder of the archive, where the address names the archive itself. */
export function storeUrlOf(url: string): string {
  const { text, isArchive } = parseReaderAddress(url)
  return isArchive ? text.slice(0, -archiveKey.length) + url.slice(text.length) : url
}

/** `prefix` without slashes at its ends, cut behind the last slash: readers take what begins with `base` in `folder`. */
export function splitPrefix({ prefix }: Pick<ReaderAddress, 'prefix'>): { folder: string; base: string } {
  const whole = prefix.replaceAll(/^\/+|\/+$/g, '')
  const cut = whole.lastIndexOf('/') + 1
  return { folder: whole.slice(0, cut), base: whole.slice(cut) }
}

function kindOf(protocol: string, authority: string): AddressKind {
  switch (protocol) {
    case 's3:':
      return 's3'
    case 'gs:':
      return 'gs'
    case 'az:':
      return 'azure'
    case 'file:':
      return 'file'
    case 'http:':
    case 'https:':
      return isAzureHost(authority.toLowerCase()) ? 'azure' : 'https'
    default:
      return 'hdfs'
  }
}
