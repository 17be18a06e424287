import { isScalar, visit, type Document, type Scalar } from 'yaml'

import type { Problem } from './problem.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** `$$` is a dollar sign; `${NAME}` must be set; `${NAME:-text}` has a default. */
const reference = /\$(?:\$|\{(\w+)(?::-([^}]*))?\})/g

/**
 * Puts environment variables into the document's texts, in place.
 *
 * @returns the variables that are not set, where they are asked for. Values are never shown: they may be secret.
 */
export function expandVariables(document: Document, env: Environment): Problem[] {
  const problems: Problem[] = []
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || !isScalar(node) || typeof node.value !== 'string') return
      node.value = expand(node as Scalar<string>, env, problems)
    },
  })
  return problems
}

function expand(node: Scalar<string>, env: Environment, problems: Problem[]): string {
  return node.value.replaceAll(reference, (whole, name: string | undefined, otherwise: string | undefined) => {
    if (name === undefined) return '$'
    const value = env[name] ?? otherwise
    if (value === undefined)
      problems.push({
        offset: node.range?.[0] ?? 0,
        what: `${whole} is not set in the environment`,
        right: `\${${name}:-text} gives it a default`,
      })
    return value ?? ''
  })
}
