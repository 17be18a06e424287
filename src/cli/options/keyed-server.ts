import type { Context } from '../context.ts'

const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** What anybody on the way to a server could do, as far as a flag or the address permits it. */
export function warnAboutServer(
  { report }: Context,
  { url, keyed, insecure }: { url: URL; keyed: boolean; insecure: boolean },
): void {
  if (insecure) {
    const message = `TLS certificates are not checked (--insecure-skip-tls-verify): anybody on the way could answer for ${url.host}.`
    report({ event: 'warning', code: 'TLS_NOT_VERIFIED', message })
  }
  if (keyed && url.protocol === 'http:' && !loopback.test(url.hostname)) {
    const message = `The key goes to ${url.host} without encryption: anybody on the way can read it.`
    report({ event: 'warning', code: 'KEY_NOT_ENCRYPTED', message })
  }
}
