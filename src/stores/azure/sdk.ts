import type { ContainerClient, HttpHeaders, IHttpClient } from '@azure/storage-blob'

import type { Answer } from '../http/answer.ts'

/** One request as Azure's client would make it. */
export interface SdkRequest {
  method: string
  /** Encoded. */
  path: string
  query: Record<string, string>
  /** Names in lower case. */
  headers: Record<string, string>
}

/**
 * A container of Azure's own client, which decides what is asked and reads the answer. Signing and sending are ours, so
 * that it has our connections and learns nothing of the credentials.
 *
 * @param send rejects what the service refuses.
 */
export async function openSdkContainer(
  address: string,
  send: (request: SdkRequest) => Promise<Answer>,
): Promise<ContainerClient> {
  const { AnonymousCredential, ContainerClient, newPipeline } = await import('@azure/storage-blob')
  const httpClient: IHttpClient = {
    async sendRequest(request) {
      const { pathname, searchParams } = new URL(request.url)
      const answer = await send({
        method: request.method,
        path: pathname,
        query: Object.fromEntries(searchParams),
        headers: Object.fromEntries(
          request.headers.headersArray().map(({ name, value }) => [name.toLowerCase(), value]),
        ),
      })
      const headers = headersOf(answer, request.headers.clone())
      return { request, status: answer.status, headers, bodyAsText: answer.text }
    },
  }
  const options = { httpClient, retryOptions: { maxTries: 1 } }
  return new ContainerClient(address, newPipeline(new AnonymousCredential(), options))
}

/** The client's own kind of headers, which it makes for requests alone. */
function headersOf(answer: Answer, headers: HttpHeaders): HttpHeaders {
  for (const name of headers.headerNames()) headers.remove(name)
  for (const [name, value] of Object.entries(answer.headers)) headers.set(name, String(value))
  return headers
}
