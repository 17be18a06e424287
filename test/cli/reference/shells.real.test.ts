import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { execa } from 'execa'
import { beforeAll, describe, expect, it } from 'vitest'

import { describeCommand } from '../../../src/cli/reference/command-shape.ts'
import { fishCompletion } from '../../../src/cli/reference/fish.ts'
import { manPage } from '../../../src/cli/reference/man.ts'
import { zshCompletion } from '../../../src/cli/reference/zsh.ts'
import { idleProgram } from '../../docs/parsed.ts'
import { temporaryDirectory } from '../../hub-cache.ts'
import { requireProgram } from '../../servers/locate.ts'

let directory: string

beforeAll(async () => {
  directory = await temporaryDirectory()
  const program = describeCommand(await idleProgram())
  await writeFile(join(directory, 'nimctl.zsh'), zshCompletion(program))
  await writeFile(join(directory, 'nimctl.fish'), fishCompletion(program))
  await writeFile(join(directory, 'nimctl.1'), manPage(program, '1.2.3'))
  await writeFile(join(directory, 'images.txt'), '')
})

const options = () => ({ cwd: directory, env: { HOME: directory, TERM: 'dumb' }, stdin: 'ignore' }) as const

/** Words that fish offers, and what it says of each. */
async function inFish(line: string): Promise<string[]> {
  const ask = 'source nimctl.fish; complete -C "$argv"'
  const args = ['--no-config', '-c', ask, line]
  const { stdout, stderr } = await execa(requireProgram('shells', 'fish'), args, options())
  expect(stderr).toBe('')
  return stdout.split('\n').filter(offer => offer !== '')
}

/** A terminal with a zsh in it, which prints what is added to its list of words, and its end. */
const zshDriver = `
zmodload zsh/zpty
zpty shell $ZSH -f -i
zpty -w shell 'unset zle_bracketed_paste; PS1= RPS1=; autoload -Uz compinit; compinit -u -D; source ./nimctl.zsh'
zpty -w shell 'compadd() { local -a offered; builtin compadd -O offered "$@"; print -rl -- "offer:"$^offered; builtin compadd "$@" }'
zpty -w shell 'offer-all() { zle complete-word; print -r -- "end:"of-offers }; zle -N offer-all; bindkey "^I" offer-all; print ready:"now"'
zpty -r -m shell said '*ready:now*'
zpty -w -n shell "$1"$'\\t'
zpty -r -m shell said '*end:of-offers*'
print -r -- "$said"
`

async function inZsh(line: string): Promise<string[]> {
  const zsh = requireProgram('shells', 'zsh')
  const { env, ...place } = options()
  const { stdout } = await execa(zsh, ['-f', '-c', zshDriver, 'zsh', line], { ...place, env: { ...env, ZSH: zsh } })
  const offers = [...stdout.matchAll(/offer:(.+?)\r?$/gm)].map(([, offer = '']) => offer)
  return [...new Set(offers)]
}

describe('fish offers', () => {
  it.each([
    ['nimctl upl', 'upload\tupload a cache to stores'],
    ['nimctl validate st', 'store\tcheck what was uploaded'],
    ['nimctl hm set-image --dr', '--dry-run\tshow old and new, and change nothing'],
    ['nimctl completion f', 'fish'],
    ['nimctl mirror --from-file im', 'images.txt'],
  ])('%s', async (line, expected) => {
    expect(await inFish(line)).toEqual([expected])
  })

  it('choices alone where there are some, and nothing where anything may stand', async () => {
    const layouts = await inFish('nimctl upload --layout ')
    expect(layouts.map(offer => offer.split('\t')[0])).toEqual(['cache', 'ngc', 'plain', 'tar'])
    expect(await inFish('nimctl mirror --to ')).toEqual([])
    expect(await inFish('nimctl list ')).toEqual([])
  })
})

describe('zsh offers', () => {
  it.each([
    ['nimctl upl', ['upload']],
    ['nimctl validate st', ['store']],
    ['nimctl hm set-image --dr', ['--dry-run']],
    ['nimctl completion ', ['bash', 'fish', 'zsh']],
    ['nimctl upload --layout ', ['cache', 'ngc', 'plain', 'tar']],
    ['nimctl upload --layout=t', ['tar']],
    ['nimctl mirror --from-file im', ['images.txt']],
    ['nimctl mirror --to ', []],
  ])('%s', async (line, expected) => {
    expect((await inZsh(line)).toSorted()).toEqual(expected)
  })
})

it('the man page is right, and shows commands, flags, examples and exit codes', async () => {
  const mandoc = requireProgram('shells', 'mandoc')
  const page = join(directory, 'nimctl.1')
  // A page that is the same wherever it is made has no date.
  const lint = await execa(mandoc, ['-T', 'lint', '-W', 'warning', page], { reject: false })
  expect(lint.stdout.split('\n').filter(line => !/missing date|^$/.test(line))).toEqual([])
  const { stdout } = await execa(mandoc, ['-T', 'ascii', '-O', 'width=200', page])
  // oxlint-disable-next-line no-control-regex -- letters in bold are typed twice
  const shown = stdout.replaceAll(/.\u0008/g, '')
  expect(shown).toContain('nimctl upload SOURCE URL...')
  expect(shown).toMatch(/--layout LAYOUT\n.*choices: "cache", "ngc", "tar", "plain"/)
  expect(shown).toContain('nimctl upload ./cache s3://models/llama --dry-run')
  expect(shown).toMatch(/^ +4 +not authenticated/m)
  expect(shown).toMatch(/NIMCTL\(1\)/)
})
