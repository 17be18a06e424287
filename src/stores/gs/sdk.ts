import { callbackify } from 'node:util'

import type { Bucket } from '@google-cloud/storage'

/** One request as Google's client would make it. */
export interface SdkRequest {
  method: string
  /** Below the endpoint; encoded. */
  path: string
  query: Record<string, string>
  body: object | undefined
}

/**
 * A bucket of Google's own client, which decides what is asked; how it is asked, we do. The client's way of sending takes
 * no connections of ours (own CAs, proxies), knows no signal, and goes to STORAGE_EMULATOR_HOST whatever it is told.
 *
 * @param send gives the JSON of the answer, `{}` where there is none.
 */
export async function openSdkBucket(name: string, send: (request: SdkRequest) => Promise<object>): Promise<Bucket> {
  const { Storage } = await import('@google-cloud/storage')
  const storage = new Storage()
  storage.request = ({ method = 'GET', uri, qs, json }, done) => {
    const query = Object.fromEntries(Object.entries({ ...qs }).map(([key, value]) => [key, String(value)]))
    callbackify(send)({ method, path: `/storage/v1/${uri}`, query, body: json }, done)
  }
  return storage.bucket(name)
}
