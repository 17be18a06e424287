import { loaderContract } from '../loader/contract.ts'
import type { StorePlace } from '../request.ts'
import { isThisMachine } from './endpoint.ts'
import type { StoreAccess } from './store-access.ts'

/** A web server: by user and password, a token, or headers of its own. Public ones want nothing. */
export function httpsAccess(url: URL, { storeSettings = {} }: StorePlace): StoreAccess {
  const headers = storeSettings.headerFile === true
  return {
    env: [],
    flags: [],
    secret: {
      entries: [
        { key: 'NIMCTL_HTTP_USERNAME' },
        { key: 'NIMCTL_HTTP_PASSWORD' },
        { key: 'NIMCTL_HTTP_TOKEN' },
        ...(headers
          ? [{ key: 'headers', variable: loaderContract.contents.httpHeaders, required: true as const }]
          : []),
      ],
      howToMake: headers
        ? '--from-file=headers=FILE, with a header on each line'
        : '--from-env-file=FILE, where FILE has the lines NIMCTL_HTTP_USERNAME=… and NIMCTL_HTTP_PASSWORD=…, or the ' +
          'line NIMCTL_HTTP_TOKEN=…, or, for a public server, any line',
    },
    warnings: isThisMachine(url)
      ? [`${url.origin} is this machine to a pod: give the URL that the cluster reaches with --store-url.`]
      : [],
  }
}
