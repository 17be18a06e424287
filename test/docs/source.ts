import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from './markdown.ts'

export interface SourceFile {
  path: string
  text: string
}

/** Everything that runs at a user's: src/ and bin/. */
export function readSource(): SourceFile[] {
  return ['src', 'bin'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(path => /\.(ts|js)$/.test(path))
      .map(path => ({ path: join(folder, path), text: readFileSync(join(root, folder, path), 'utf8') })),
  )
}

/** `category CODE` of every error that the source can throw, sorted. */
export function errorsIn(source: readonly SourceFile[]): string[] {
  const found = source.flatMap(({ path, text }) => [
    ...all(text, /new NimctlError\(\s*'([a-z-]+)',\s*'([A-Z][A-Z0-9_]+)'/g),
    ...all(text, /category: '([a-z-]+)',\s*code: '([A-Z][A-Z0-9_]+)'/g),
    ...(path === 'src/stores/file/errors.ts' ? fileErrors(text) : []),
  ])
  return [...new Set(found.map(([category, code]) => `${category} ${code}`))].toSorted()
}

/** A table of its own, in which the category comes behind the code, and is `local` where none stands. */
function fileErrors(text: string): [string, string][] {
  const pieces = text.split(/(?=\bcode: ')/).slice(1)
  return pieces.flatMap(piece => {
    const code = /^code: '([A-Z][A-Z0-9_]+)'/.exec(piece)?.[1]
    const category = /category: '([a-z-]+)'/.exec(piece.split('\n})')[0] ?? '')?.[1] ?? 'local'
    return code === undefined ? [] : [[category, code] satisfies [string, string]]
  })
}

/** Codes of warnings, sorted. */
export function warningsIn(source: readonly SourceFile[]): string[] {
  const found = source.flatMap(({ text }) => [
    ...all(text, /event: 'warning',\s*code: ('|)([A-Z][A-Z0-9_]+)'/g),
    ...all(text, /\bwarn\((\s*)'([A-Z][A-Z0-9_]+)'/g),
  ])
  return [...new Set(found.map(([, code]) => code))].toSorted()
}

/** Names of environment variables that nimctl itself reads, sorted. */
export function variablesIn(source: readonly SourceFile[]): string[] {
  const found = source.flatMap(({ text }) => [
    ...all(text, /\b(env)\.([A-Z][A-Z0-9_]+)/g),
    ...all(text, /\b(env)\['([A-Z][A-Z0-9_]+)'\]/g),
    ...all(text, /\.(env)\(\s*'([A-Z][A-Z0-9_]+)',?\s*\)/g),
    ...all(text, /()\b(NIMCTL_[A-Z0-9_]+)\b/g),
    ...all(text, /()\w+Variable: '([A-Z][A-Z0-9_]+)'/g),
    ...all(text, /()\b([A-Z][A-Z0-9_]+): \w+ = ''/g),
  ])
  return [...new Set(found.map(([, name]) => name))].toSorted()
}

/** Kinds of the documents that `--json` prints, sorted. */
export function kindsIn(source: readonly SourceFile[]): string[] {
  const found = source.flatMap(({ text }) => all(text, /context\.print(?:Long)?\((\s*)'([A-Z]\w+)'/g))
  const files = source
    .filter(({ path }) => path.startsWith('src/cli/render/'))
    .flatMap(({ text }) => all(text, /()\bkind: '([A-Z]\w+)'/g))
  return [...new Set(['Error', ...[...found, ...files].map(([, kind]) => kind)])].toSorted()
}

function all(text: string, pattern: RegExp): [string, string][] {
  return [...text.matchAll(pattern)].map(([, first = '', second = '']) => [first, second])
}
