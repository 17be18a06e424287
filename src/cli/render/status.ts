import { type Finding, idOf, type ObjectState, type ObjectStatus, type StatusReport } from '../../status/report.ts'
import { renderTable } from './table.ts'

const marks: Record<ObjectState, string> = {
  ready: '✓',
  'in-progress': '…',
  stuck: '!',
  failed: '✗',
  missing: '✗',
  unknown: '?',
}

/** The objects as a tree, then what is wrong with them, the lowest first, and the answer as the last line. */
export function renderStatus(report: StatusReport): string {
  const { objects, cause } = report
  const rows = objects.map(object => [
    `${'  '.repeat(depthOf(object, objects))}${marks[object.state]} ${idOf(object)}`,
    object.says,
  ])
  return [
    renderTable(['OBJECT', 'SAYS'], rows),
    '',
    ...(cause === undefined ? [] : renderCause(cause)),
    ...objects.flatMap(renderNotes),
    renderVerdict(report),
  ].join('\n')
}

function depthOf({ parent }: ObjectStatus, objects: readonly ObjectStatus[]): number {
  const above = objects.find(object => idOf(object) === parent)
  return above === undefined ? 0 : 1 + depthOf(above, objects)
}

function renderCause({ object, code, what, why, next, log = [] }: Finding & { object: string }): string[] {
  return [
    `${object}: ${what} (${code})`,
    ...(why === undefined ? [] : [`    ${why}`]),
    ...log.map(line => `    | ${line}`),
    ...(next === undefined ? [] : [next]),
    '',
  ]
}

/** What may explain it further; all else that fails does so because of the cause, or stands in `--json`. */
function renderNotes(object: ObjectStatus): string[] {
  const notes = object.findings.filter(({ severity }) => severity === 'note')
  return notes.flatMap(({ code, what, why, next }) => [
    `Also ${idOf(object)}: ${what} (${code})`,
    ...(why === undefined ? [] : [`    ${why}`]),
    ...(next === undefined ? [] : [next]),
    '',
  ])
}

function renderVerdict({ target, state, cause }: StatusReport): string {
  if (state === 'ready') return `${target} is ready.`
  if (state === 'in-progress')
    return `${target} is on its way${cause === undefined ? '' : `, and waits for ${cause.object}`}.`
  return `${target} is NOT ready: ${cause === undefined ? 'see above' : `look at ${cause.object}`}.`
}
