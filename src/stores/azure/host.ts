/**
 * Of Azure, of its national and air-gapped clouds, each with a suffix of its own, and of accounts with a zone in the name:
 * https://learn.microsoft.com/azure/storage/common/storage-account-overview#standard-endpoints
 */
const blobHost = /^[a-z0-9-]+\.(?:privatelink\.)?(?:blob\.core|z\d+\.blob\.storage)\.[a-z0-9.-]+$/

/** Whether a host is one of the Blob service: https URLs of any other are those of plain servers. */
export function isAzureHost(hostname: string): boolean {
  return blobHost.test(hostname)
}

/** `undefined` where the name does not tell it, as with Azurite. */
export function accountOfHost(hostname: string): string | undefined {
  return isAzureHost(hostname) ? hostname.split('.')[0] : undefined
}
