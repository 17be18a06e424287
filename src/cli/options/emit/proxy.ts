import { Option } from 'commander'

import type { ProxyRequest } from '../../../emit/proxy.ts'
import { given } from '../values.ts'

export interface ProxyFlags {
  httpProxy?: string
  httpsProxy?: string
  noproxy?: string
  proxyCaConfigMap?: string
}

/** @param prefix of the flags, such as `job-`. */
export function proxyOptions(prefix = ''): Option[] {
  return [
    new Option(`--${prefix}http-proxy <url>`, 'for http'),
    new Option(`--${prefix}https-proxy <url>`, 'for https'),
    // Commander takes --no-… for the opposite of a flag; curl calls it so as well.
    new Option(`--${prefix}noproxy <hosts>`, 'who is asked without it, with commas between'),
    new Option(`--${prefix}proxy-ca-config-map <name>`, "a ConfigMap with the proxy's CA (*.crt, *.pem)"),
  ]
}

export function proxyFrom({ httpProxy, httpsProxy, noproxy, proxyCaConfigMap }: ProxyFlags): ProxyRequest {
  return given({ httpProxy, httpsProxy, noProxy: noproxy, certConfigMap: proxyCaConfigMap })
}
