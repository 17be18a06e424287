import { describeMissing, installParts } from './install.ts'
import { type Part, allParts } from './parts.ts'

/** node test/servers/install-main.ts [part...] */
const named = process.argv.slice(2)
const unknown = named.filter(name => !isPart(name))
if (unknown.length > 0) {
  process.stderr.write(`There is no part ${unknown.join(', ')}. The parts are: ${allParts.join(', ')}\n`)
  process.exit(2)
}
const { missing, paths } = await installParts(named.length > 0 ? named.filter(isPart) : allParts)
for (const [program, path] of Object.entries(paths)) process.stdout.write(`${program} ${path}\n`)
if (missing.length > 0) {
  process.stderr.write(`Missing:\n${describeMissing(missing)}\n`)
  process.exitCode = 7
}

function isPart(name: string): name is Part {
  return allParts.some(part => part === name)
}
