import { dirname, resolve } from 'node:path'

import { Option, type Command } from 'commander'

import type { CheckLog, CheckPolicy, CheckReport } from '../../system/check.ts'
import type { Context } from '../context.ts'
import { collect } from './values.ts'

export interface CheckFlags {
  only?: string[]
  skip?: string[]
  failOn?: CheckPolicy['failOn']
  report?: string
  junit?: string
}

const heading = 'Checks:'

/** Flags of every `nimctl validate …`. */
export function addCheckOptions(command: Command): Command {
  const options = [
    new Option('--only <check>', 'a name of --list-checks, or its beginning and *; may be repeated').argParser(collect),
    new Option('--skip <check>', 'leave it out; may be repeated').argParser(collect),
    new Option('--fail-on <status>', 'warning: what only warns, or can not be proved, fails too')
      .choices(['failed', 'warning'])
      .default('failed'),
    new Option('--report <file>', 'write evidence as JSON: who looked at what, when, by which method, and every check'),
    new Option('--junit <file>', 'write JUnit XML, for CI'),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

/**
 * Makes checks by the flags' policy and prints what came of them.
 *
 * @param shown `passed`: where checks are few, people want to see what was found, too.
 * @param validate adds verdicts to the log and ends with its report.
 * @throws NimctlError `usage` / `CHECK_UNKNOWN`, `local` where a file can't be written, and what `validate` throws.
 */
export async function runChecks(
  flags: CheckFlags,
  context: Context,
  validate: (checks: CheckLog) => Promise<CheckReport>,
  shown: { passed?: boolean } = {},
): Promise<void> {
  const { openCheckLog } = await import('../../system/check.ts')
  const policy = await readPolicy(flags)
  await prepareFiles(flags)
  const checks = openCheckLog(policy)
  try {
    const report = await validate(checks)
    await writeFiles(report, flags)
    const { renderReport } = await import('../render/report.ts')
    const { ok, target, summary, checks: items } = report
    const forPeople = () => renderReport(report, shown)
    await context.printLong('CheckReport', { ok, target, summary }, { name: 'checks', items, forPeople })
  } finally {
    await checks.close()
  }
}

async function readPolicy({ only, skip, failOn = 'failed' }: CheckFlags): Promise<CheckPolicy> {
  const { requireKnownCheck } = await import('../../validate/known-check.ts')
  for (const name of [...(only ?? []), ...(skip ?? [])]) requireKnownCheck(name)
  return { ...(only !== undefined && { only }), ...(skip !== undefined && { skip }), failOn }
}

/** Before hours of checking, not after them. */
async function prepareFiles({ report, junit }: CheckFlags): Promise<void> {
  const { ensureWritableDirectory } = await import('../../system/files.ts')
  for (const file of [report, junit]) if (file !== undefined) await ensureWritableDirectory(dirname(resolve(file)))
}

async function writeFiles(report: CheckReport, { report: evidence, junit }: CheckFlags): Promise<void> {
  const { writeFileAtomically } = await import('../../system/files.ts')
  if (evidence !== undefined) {
    const { renderEvidence } = await import('../render/evidence.ts')
    await writeFileAtomically(evidence, renderEvidence(report, new Date()))
  }
  if (junit !== undefined) {
    const { renderJunit } = await import('../render/junit.ts')
    await writeFileAtomically(junit, renderJunit(report))
  }
}
