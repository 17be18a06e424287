import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface StandInAws {
  endpoint: string
  /** What was asked, in order: the parameters of STS' requests, the query of the portal's. */
  readonly asked: Record<string, string>[]
  /** From now on this is answered. */
  refuse(answer: { status: number; code: string; message?: string }): void
  stop(): void
}

/**
 * Stands in for the two services of Amazon that give credentials, and checks nothing: STS
 * (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, …_AssumeRoleWithWebIdentity.html) and the
 * portal of IAM Identity Center (https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html).
 * The n-th credentials are `KEY-n`, and end an hour after the time of this process.
 */
export async function startStandInAws(tls?: { key: string; cert: string }): Promise<StandInAws> {
  const asked: Record<string, string>[] = []
  let refusal: { status: number; code: string; message?: string } | undefined
  const listener: RequestListener = (request, answer) => {
    void text(request).then(body => {
      asked.push(parametersOf(request, body))
      const portal = request.url?.startsWith('/federation/') === true
      const given = refusal ?? { status: 200, number: asked.length }
      const says = portal ? portalAnswer(given) : stsAnswer(asked.at(-1)?.Action ?? '', given)
      answer.writeHead(given.status, says.headers).end(says.body)
    })
  }
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    asked,
    refuse: given => {
      refusal = given
    },
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

type Given = { number: number } | { status: number; code: string; message?: string }

function parametersOf({ method, url = '', headers }: IncomingMessage, body: string): Record<string, string> {
  const query = new URLSearchParams(method === 'POST' ? body : (url.split('?')[1] ?? ''))
  const signedBy = /Credential=([\w-]+)/.exec(headers.authorization ?? '')?.[1]
  const token = headers['x-amz-sso_bearer_token']
  return {
    ...Object.fromEntries(query),
    ...(signedBy !== undefined && { signedBy }),
    ...(typeof token === 'string' && { token }),
  }
}

const inAnHour = () => Date.now() + 3_600_000

function stsAnswer(action: string, given: Given): { headers: Record<string, string>; body: string } {
  const headers = { 'content-type': 'text/xml' }
  if ('code' in given) {
    const { code, message = 'said the stand-in' } = given
    const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`
    return { headers, body: `<ErrorResponse xmlns="${namespace}">${error}</ErrorResponse>` }
  }
  const expiration = new Date(inAnHour()).toISOString()
  const credentials =
    `<Credentials><AccessKeyId>KEY-${given.number}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>` +
    `<SessionToken>token-${given.number}</SessionToken><Expiration>${expiration}</Expiration></Credentials>`
  const result = `<${action}Result>${credentials}</${action}Result>`
  return { headers, body: `<${action}Response xmlns="${namespace}">${result}</${action}Response>` }
}

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/'

function portalAnswer(given: Given): { headers: Record<string, string>; body: string } {
  const type = { 'content-type': 'application/json' }
  if ('code' in given) {
    const { code, message = 'said the stand-in' } = given
    return { headers: { ...type, 'x-amzn-errortype': code }, body: JSON.stringify({ message }) }
  }
  const { number } = given
  const keys = { accessKeyId: `KEY-${number}`, secretAccessKey: 'secret', sessionToken: `token-${number}` }
  return { headers: type, body: JSON.stringify({ roleCredentials: { ...keys, expiration: inAnHour() } }) }
}
