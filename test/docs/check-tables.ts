import { knownChecks } from '../../src/validate/catalogue.ts'

/** docs/validate.md with the tables between its markers made anew from the catalogue. */
export function withCheckTables(page: string): string {
  return page.replaceAll(
    /(<!-- checks: ([a-z]+) -->\n).*?(<!-- end of checks -->)/gs,
    (_, start: string, group: string, end: string) => `${start}\n${renderTable(group)}\n${end}`,
  )
}

function renderTable(group: string): string {
  const rows = knownChecks
    .filter(({ name }) => name.startsWith(`${group}.`))
    .map(({ name, worst, when }) => `| \`${name}\` | ${worst} | ${when} |\n`)
  return `| check | at worst | when |\n| --- | --- | --- |\n${rows.join('')}`
}
