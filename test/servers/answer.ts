import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'

export interface Answer {
  status: number
  body: string
}

/** What a server on loopback answers to GET, or undefined while it does not listen. Without proxies and pools. */
export function answer(
  url: string,
  options: { ca?: string; headers?: Record<string, string> } = {},
): Promise<Answer | undefined> {
  const get = url.startsWith('https:') ? getHttps : getHttp
  return new Promise(resolve => {
    const request = get(url, { ...options, agent: false, timeout: 2_000 }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', text => (body += text))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('error', () => resolve(undefined))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
  })
}
