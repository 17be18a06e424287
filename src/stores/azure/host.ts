/** Of Azure and of its national clouds, and of accounts with a zone of their own in the name. */
const suffixes = [
  '.blob.core.windows.net',
  '.blob.core.chinacloudapi.cn',
  '.blob.core.usgovcloudapi.net',
  '.blob.storage.azure.net',
]

/** Whether a host is one of the Blob service: https URLs of any other are those of plain servers. */
export function isAzureHost(hostname: string): boolean {
  return suffixes.some(suffix => hostname.endsWith(suffix))
}

/** `undefined` where the name does not tell it, as with Azurite. */
export function accountOfHost(hostname: string): string | undefined {
  return isAzureHost(hostname) ? hostname.split('.')[0] : undefined
}
