import { parseJson } from '../../system/json.ts'
import type { Answer } from '../http/answer.ts'

/** An entry of nginx's autoindex in JSON: https://nginx.org/en/docs/http/ngx_http_autoindex_module.html */
export interface IndexEntry {
  name: string
  isFolder: boolean
  /** Bytes; 0 for folders. */
  size: number
}

export function isIndex({ headers, text }: Pick<Answer, 'headers' | 'text'>): boolean {
  return /^application\/json\b/.test(headers['content-type'] ?? '') && parseIndex(text) !== undefined
}

/** `undefined` where it is something else. */
export function parseIndex(text: string): IndexEntry[] | undefined {
  const value = parseJson(text)
  if (!Array.isArray(value)) return undefined
  const entries = value.map(entryOf)
  return entries.every(entry => entry !== undefined) ? entries : undefined
}

function entryOf(value: unknown): IndexEntry | undefined {
  if (typeof value !== 'object' || value === null || !('name' in value) || !('type' in value)) return undefined
  const { name, type } = value
  if (typeof name !== 'string') return undefined
  if (type === 'directory') return { name, isFolder: true, size: 0 }
  const size = 'size' in value ? value.size : undefined
  return typeof size === 'number' ? { name, isFolder: false, size } : undefined
}
