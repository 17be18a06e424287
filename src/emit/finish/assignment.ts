import type { KubernetesObject } from '../../operator/objects.ts'
import { isPlain, type Plain } from '../../operator/plain.ts'
import { NimctlError } from '../../system/errors.ts'
import { chooseObject, type ObjectChoice } from './choose-object.ts'

/** A name of a map, or a place in a list. */
type Step = string | number

/** What `--set` says. */
export interface Assignment {
  choice: ObjectChoice
  path: readonly Step[]
  /** `null` removes. */
  value: unknown
  text: string
}

/**
 * `[KIND[/NAME]:]PATH=VALUE`, with paths and values as helm's `--set` has them: `spec.env[0].value=x`,
 * `metadata.annotations.example\.com/team=ml`, `true` and `8` are no text and `null` removes. What begins with `"`, `[` or
 * `{"` is JSON, and `{a,b}` a list of texts. Commas separate nothing.
 *
 * @throws NimctlError `usage` / `ASSIGNMENT_INVALID`.
 */
export function parseAssignment(text: string): Assignment {
  const [, kind, name, rest = ''] = /^(?:([A-Za-z]+)(?:\/([a-z0-9][a-z0-9.-]*))?:)?(.*)$/s.exec(text) ?? []
  const [, path, value] = /^((?:\\.|\["[^"]*"\]|[^=\\])+)=(.*)$/s.exec(rest) ?? []
  if (path === undefined || value === undefined) throw invalid(text, 'It has no PATH=VALUE.')
  return { choice: { kind, name }, path: parsePath(path, text), value: parseValue(value, text), text }
}

/** A name up to the next dot or bracket, an index, or a name in quotes as findings write it. */
const stepPattern = /(?:^|\.)((?:\\.|[^.[\]\\])+)|\[(\d+)\]|\["([^"]*)"\]/gy

function parsePath(path: string, text: string): Step[] {
  const steps: Step[] = []
  let end = 0
  for (const { 0: whole, 1: name, 2: index, 3: quoted, index: at } of path.matchAll(stepPattern)) {
    steps.push(index === undefined ? (quoted ?? name?.replaceAll(/\\(.)/g, '$1') ?? '') : Number(index))
    end = at + whole.length
  }
  if (end !== path.length) throw invalid(text, `"${path}" is no path.`)
  const forbidden = steps.find(step => step === '__proto__' || step === 'constructor' || step === 'prototype')
  if (forbidden !== undefined) throw invalid(text, `No object of Kubernetes has ${forbidden}.`)
  return steps
}

function parseValue(value: string, text: string): unknown {
  if (/^("|\[|\{\s*"|\{\s*\}$)/.test(value)) {
    try {
      return JSON.parse(value) as unknown
    } catch (error) {
      throw invalid(text, `The value begins like JSON and is none: ${error instanceof Error ? error.message : ''}`)
    }
  }
  const list = /^\{(.*)\}$/s.exec(value)?.[1]
  return list === undefined ? typed(value) : list.split(',').map(item => typed(item.trim()))
}

function typed(value: string): unknown {
  if (value === 'true' || value === 'false') return value === 'true'
  if (value === 'null') return null
  return /^(0|-?[1-9]\d{0,14})$/.test(value) ? Number(value) : value
}

/** @throws NimctlError `usage` / `ASSIGNMENT_INVALID`, and what choosing the object throws. */
export function assign(objects: readonly KubernetesObject[], assignment: Assignment): KubernetesObject[] {
  const index = chooseObject(objects, assignment.choice, `--set ${assignment.text}`)
  return objects.map((object, place) =>
    place === index ? (put(object, assignment.path, assignment) as KubernetesObject) : object,
  )
}

/** A copy with the value in its place; maps and lists on the way are made. */
function put(target: unknown, [step, ...rest]: readonly Step[], assignment: Assignment): unknown {
  if (step === undefined) return assignment.value
  const removes = rest.length === 0 && assignment.value === null
  if (typeof step === 'number') {
    if (target !== undefined && !Array.isArray(target)) throw invalid(assignment.text, `There is no list at [${step}].`)
    const list: unknown[] = target ?? []
    if (step > list.length || (removes && step === list.length))
      throw invalid(assignment.text, `The list has ${list.length} items, and [${step}] is none of them.`)
    return removes ? list.toSpliced(step, 1) : list.toSpliced(step, 1, put(list[step], rest, assignment))
  }
  if (target !== undefined && !isPlain(target)) throw invalid(assignment.text, `"${step}" can't lie in a value.`)
  const map: Plain = target ?? {}
  if (!removes) return { ...map, [step]: put(map[step], rest, assignment) }
  const { [step]: _, ...others } = map
  return others
}

function invalid(text: string, why: string): NimctlError {
  return new NimctlError('usage', 'ASSIGNMENT_INVALID', {
    what: `--set ${text} can't be done.`,
    why,
    next: 'Write it as --set PATH=VALUE, such as --set spec.env[0].value=1, or --set NIMService:spec.replicas=2',
  })
}
