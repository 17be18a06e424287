import { inspect } from 'node:util'

/** A key, password or token. Printing it in any way shows `**redacted**`; the text comes out only by `unwrap()`. */
export interface Secret {
  unwrap(): string
  toString(): string
  toJSON(): string
}

const redacted = '**redacted**'

/** @param text the secret itself, without surrounding white space (files and pasted keys end in newlines). */
export function secret(text: string): Secret {
  const value = text.trim()
  return Object.freeze({
    unwrap: () => value,
    toString: () => redacted,
    toJSON: () => redacted,
    [inspect.custom]: () => redacted,
  })
}

/** A store's URL for people: without user, password and query, in which signatures stand. */
export function shownUrl({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`
}

/** Whether a variable's name says that its value is a secret, as the ecosystem names them. */
export function isSecretName(name: string): boolean {
  return /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/i.test(name)
}

/**
 * Makes text from outside (logs, server answers, echoed URLs) fit to be shown: known secrets, passwords in URLs,
 * bearer tokens, NGC keys, presigned signatures and the names of Google's resumable uploads are replaced, control
 * characters and terminal escapes are removed.
 */
export function sanitize(text: string, secrets: readonly Secret[] = []): string {
  let shown = text
  for (const known of secrets) {
    if (known.unwrap() !== '') shown = shown.replaceAll(known.unwrap(), redacted)
  }
  return shown
    .replaceAll(terminalEscape, '')
    .replaceAll(controlCharacter, '')
    .replaceAll(/\bnvapi-[\w-]{8,}/g, redacted)
    .replaceAll(/\b(https?:\/\/)[^\s/@]+@/g, `$1${redacted}@`)
    .replaceAll(/\b(Bearer|Basic) [\w+/=.~-]{8,}/g, `$1 ${redacted}`)
    .replaceAll(
      /\b(X-Amz-(?:Signature|Security-Token|Credential)|sig|Signature|token|upload_id)=[^\s&"']+/gi,
      `$1=${redacted}`,
    )
}

/** Colours and movements, titles (which end on their line), character sets (`ESC ( B` of tput sgr0), the rest. */
const terminalEscape =
  // oxlint-disable-next-line no-control-regex -- they are what is to be removed
  /\u001B(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001B\n]*(?:\u0007|\u001B\\)|[ -/]+[0-~]|[@-_])/g
// oxlint-disable-next-line no-control-regex -- they are what is to be removed
const controlCharacter = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g
