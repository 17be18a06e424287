import { NimctlError } from '../system/errors.ts'

/** A LoRA adapter in a store or on a hub. */
export interface Adapter {
  /** Of its folder: clients ask for it by this name. */
  name: string
  url: string
}

export const hubScheme = 'hf://'

export function isHub(url: string): boolean {
  return url.startsWith(hubScheme)
}

/**
 * @param texts each `[NAME=]URL`; without a name the last part of the URL is it.
 * @throws NimctlError `usage` / `ADAPTER_INVALID`.
 */
export function parseAdapters(texts: readonly string[]): Adapter[] {
  const adapters = texts.map(parseAdapter)
  const names = adapters.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice === undefined) return adapters
  throw new NimctlError('usage', 'ADAPTER_INVALID', {
    what: `Two adapters would be called ${twice}.`,
    why: 'The NIM calls an adapter by its folder, which has the last part of its address.',
    next: `Give one of them another name: --adapter ${twice}-2=URL`,
  })
}

/** A folder's name, and never one that leads out of the directory. */
const folderName = /^(?!\.{1,2}$)[\w.-]+$/

function parseAdapter(text: string): Adapter {
  const [, given, url = ''] = /^(?:([^=/:]+)=)?(.+)$/.exec(text) ?? []
  const name = given ?? url.replace(/\/+$/, '').split('/').at(-1) ?? ''
  const isPlace = isHub(url) ? /^hf:\/\/[\w.-]+\/(?!\.{1,2}$)[\w.-]+$/.test(url) : URL.canParse(url)
  if (isPlace && folderName.test(name)) return { name, url }
  throw new NimctlError('usage', 'ADAPTER_INVALID', {
    what: `"${text}" is no place of an adapter.`,
    next: 'Give a store and a prefix, such as tone=s3://models/adapters/tone, or hf://NAMESPACE/NAME',
  })
}
