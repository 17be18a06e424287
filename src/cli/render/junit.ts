import type { Check, CheckReport } from '../../system/check.ts'

/**
 * A report as JUnit XML, the form that GitLab, Jenkins and GitHub's reporters read: a test suite per target, a test case
 * per check, with its group as class. What fails is a `failure`; what can't be proved is `skipped`, the word that CI has
 * for "nobody knows"; a warning passes and speaks on `system-out`.
 */
export async function* renderJunit({ ok, target, counts, checks }: CheckReport): AsyncGenerator<string> {
  const tests = counts.ok + counts.warning + counts.failed + counts['not-provable']
  const totals = `tests="${tests}" failures="${counts.failed}" errors="0" skipped="${counts['not-provable']}"`
  yield '<?xml version="1.0" encoding="UTF-8"?>\n'
  yield `<testsuites name="nimctl validate" ${totals}>\n<testsuite name="${escape(target)}" ${totals}>\n`
  yield `<properties><property name="ok" value="${ok}"/></properties>\n`
  for await (const check of checks) yield renderCase(check)
  yield '</testsuite>\n</testsuites>\n'
}

function renderCase(check: Check): string {
  const { name, path, method } = check
  const title = escape(path === undefined ? name : `${name} ${path}`)
  const head = `<testcase classname="${escape(name.split('.')[0] ?? name)}" name="${title}"`
  const outcome = renderOutcome(check, escape(describe(check) || method))
  return outcome === '' ? `${head}/>\n` : `${head}>${outcome}</testcase>\n`
}

function renderOutcome({ status, name }: Check, text: string): string {
  switch (status) {
    case 'ok':
      return ''
    case 'failed':
      return `<failure type="${escape(name)}" message="${text}">${text}</failure>`
    case 'not-provable':
      return `<skipped message="${text}"/>`
    case 'warning':
      return `<system-out>${text}</system-out>`
  }
}

function describe({ expected, found, next }: Check): string {
  const difference = [expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join(', ')
  return [difference, next].filter(Boolean).join('. ')
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** XML 1.0 has no way to write most control characters, and lone surrogates are no characters. */
function escape(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[&<>"]/g, character => entities[character] ?? character)
    .replaceAll(/[\t\n\r]/g, character => `&#${character.charCodeAt(0)};`)
    .replaceAll(/[\p{Cc}\uFFFE\uFFFF]/gu, '\uFFFD')
}
