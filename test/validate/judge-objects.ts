import { type Check, openCheckLog } from '../../src/system/check.ts'
import { silent } from '../../src/system/progress.ts'
import { validateObjects, type ValidateObjectsRequest } from '../../src/validate/objects.ts'
import { readYaml } from '../../src/validate/objects/read-yaml.ts'

type Asked = Partial<Pick<ValidateObjectsRequest, 'operatorVersion' | 'registries' | 'online'>>

/** All checks of a YAML text, in the order of the report. */
export async function judge(
  text: string,
  { operatorVersion = '3.1.2', registries = [], online = false }: Asked = {},
): Promise<Check[]> {
  const checks = openCheckLog()
  const { objects, unreadable } = readYaml('a.yaml', text)
  const source = { objects, checks: unreadable.map(asCheck), files: 1, bytes: text.length }
  const request = {
    target: 'a.yaml',
    source,
    operatorVersion,
    registries,
    online,
    checks,
    signal: new AbortController().signal,
    report: silent,
  }
  return await Array.fromAsync((await validateObjects(request)).checks)
}

function asCheck({ file, line, problem }: { file: string; line: number; problem: string }): Check {
  return { name: 'objects.syntax', status: 'failed', method: 'structure', path: `${file}:${line}`, found: problem }
}

/** `name path` of what is not well, without the file's name. */
export function findings(checks: readonly Check[]): string[] {
  return checks
    .filter(({ status }) => status !== 'ok')
    .map(({ name, path = '' }) => `${name} ${path.replace(/^a\.yaml:/, '')}`)
}
