import type { IncomingHttpHeaders } from 'node:http'

/** What a request to S3 is for. `ask`: what changes and carries nothing. */
export type Phase = 'create' | 'part' | 'complete' | 'copy' | 'inventory' | 'put' | 'range' | 'ask'

/** These carry content. */
export const contentPhases: ReadonlySet<Phase> = new Set(['part', 'put', 'range'])

interface Asked {
  method: string
  key: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
}

export function phaseOf({ method, key, query, headers }: Asked): Phase {
  if (method === 'POST') return query.has('uploads') ? 'create' : query.has('uploadId') ? 'complete' : 'ask'
  if (method === 'PUT') {
    if ('x-amz-copy-source' in headers) return 'copy'
    if (query.has('partNumber')) return 'part'
    return key.startsWith('.nimctl/') ? 'inventory' : 'put'
  }
  const reads = method === 'GET' && key !== '' && !query.has('list-type') && !query.has('uploads')
  return reads && !query.has('uploadId') && !key.startsWith('.nimctl/') ? 'range' : 'ask'
}
