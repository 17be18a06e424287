/** Names of environment variables that NIM containers read (reference/nim.md section 5). */
export const nimEnvironment = {
  /** Personal (`nvapi-…`) and legacy keys; LLM 2.x prefers NGC_CLI_API_KEY where both are set. */
  ngcApiKey: 'NGC_API_KEY',
  cachePath: 'NIM_CACHE_PATH',
  /** For gated and private models of Hugging Face. */
  hfToken: 'HF_TOKEN',
  /** Another hub in the place of huggingface.co. */
  hfEndpoint: 'HF_ENDPOINT',
} as const

/** What the containers' programs read to find a proxy; some take the upper case, some the lower (section 5). */
const proxyNames = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'] as const

/**
 * The proxy of an environment, as NIM containers need it: in both cases, with the switch that lets the downloader use
 * the system's TLS, without which it knows of no proxy's CA (the NIM Operator sets the same: reference/operator.md 3).
 * Empty where the environment has no proxy.
 */
export function proxyEnvironment(env: Record<string, string | undefined>): Record<string, string> {
  const found = proxyNames.flatMap(name => {
    const value = env[name] || env[name.toLowerCase()]
    return value ? [[name, value] as const] : []
  })
  if (!found.some(([name]) => name !== 'NO_PROXY')) return {}
  return {
    NIM_SDK_USE_NATIVE_TLS: '1',
    ...Object.fromEntries(found.flatMap(([name, value]) => [[name, value] as const, [name.toLowerCase(), value]])),
  }
}

/** Where a bundle of CAs is mounted in a container. No place of the image's own, which may not be written to. */
export const caFile = '/etc/nimctl/ca.pem'

/** What makes the programs of an image trust the CAs of `caFile`: OpenSSL and Rust, Python's requests, curl. */
export function caEnvironment(): Record<string, string> {
  return {
    NIM_SDK_USE_NATIVE_TLS: '1',
    SSL_CERT_FILE: caFile,
    REQUESTS_CA_BUNDLE: caFile,
    CURL_CA_BUNDLE: caFile,
  }
}
