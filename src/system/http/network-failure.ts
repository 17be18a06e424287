/** Why no answer came from a server. A name that does not resolve is mistyped; a resolver that is away says EAI_AGAIN. */
export type NetworkFailure = 'unreachable' | 'unknown-host' | 'certificate' | 'tls-not-spoken'

const byCode: Record<string, NetworkFailure> = {
  ECONNREFUSED: 'unreachable',
  ECONNRESET: 'unreachable',
  ECONNABORTED: 'unreachable',
  EPIPE: 'unreachable',
  ETIMEDOUT: 'unreachable',
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ERR_STREAM_PREMATURE_CLOSE: 'unreachable',
  EPROTO: 'tls-not-spoken',
  ERR_SSL_WRONG_VERSION_NUMBER: 'tls-not-spoken',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'tls-not-spoken',
}

/** OpenSSL's reasons why a certificate isn't trusted: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const certificateCode = /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_TLS_CERT_|INVALID_CA|HOSTNAME_MISMATCH)/

/** What a code of Node.js means; `undefined` where it is none of the network. */
export function networkFailure(code: string | undefined): NetworkFailure | undefined {
  if (code === undefined) return undefined
  return byCode[code] ?? (certificateCode.test(code) ? 'certificate' : undefined)
}
