import { LineCounter } from 'yaml'

import { NimctlError } from '../../system/errors.ts'

/** Something wrong in a file, and what would be right. */
export interface Problem {
  /** Characters before it in the file. */
  offset: number
  /** Such as `models[1].upload[0].store`; absent where the file is no YAML. */
  path?: string
  what: string
  right?: string | undefined
}

/**
 * All problems of a file in one error, in the order of their places, as compilers write them.
 *
 * @param file as the user named it.
 */
export function configError(file: string, problems: readonly Problem[], lines: LineCounter): NimctlError {
  const sorted = problems.toSorted((a, b) => a.offset - b.offset)
  const described = sorted.map(({ offset, path, what, right }) => {
    const { line, col } = lines.linePos(offset)
    const place = path === undefined || path === '' ? '' : ` ${path}:`
    return `${file}:${line}:${col}:${place} ${what}${right === undefined ? '' : `; right would be: ${right}`}`
  })
  return new NimctlError('usage', 'CONFIG_INVALID', {
    what: `${file} has ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}.`,
    why: described.join('\n'),
    next: 'Correct it. The whole format: docs/nimctl-yaml.md',
  })
}

/** As people write a path in YAML. */
export function formatPath(path: readonly unknown[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? String(step) : `${text}.${String(step)}`
  }, '')
}
