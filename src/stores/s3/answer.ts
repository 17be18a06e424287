import type { Answer } from '../http/answer.ts'
import { element } from '../http/xml.ts'

/**
 * An error has a status of 300 and above, or hides in a body that follows a 200: a copy answers early and says later
 * how it went (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
 */
export function isFailure({ status, text }: Answer): boolean {
  return status >= 300 || /^\s*(?:<\?xml[^>]*>\s*)?<Error[\s>]/.test(text)
}

/** Shaped as the SDK's errors, so that one table reads both (errors.ts). */
export function failureOf({ status, headers, text }: Answer): Error {
  const region = element(text, 'Region') ?? element(text, 'BucketRegion')
  const serverTime = element(text, 'ServerTime')
  return Object.assign(new Error(element(text, 'Message') ?? ''), {
    name: element(text, 'Code') ?? 'UnknownError',
    $metadata: { httpStatusCode: status },
    $response: { headers },
    ...(region === undefined ? {} : { Region: region }),
    ...(serverTime === undefined ? {} : { ServerTime: serverTime }),
  })
}

/** An answer that should have had a result. An empty one is a copy that the server gave up. */
export function resultMissing({ status, headers, text }: Answer, result: string): Error {
  const name = text.trim() === '' ? 'InternalError' : 'SyntaxError'
  const message = `The answer has no ${result}.`
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status }, $response: { headers } })
}
