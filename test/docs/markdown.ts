import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

export interface Page {
  /** From the repository's root: `docs/upload.md`. */
  path: string
  text: string
}

/** README.md and every page below docs/. */
export function readPages(): Page[] {
  const below = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  const paths = ['README.md', ...below.filter(path => path.endsWith('.md')).map(path => join('docs', path))]
  return paths.toSorted().map(readPage)
}

export function readPage(path: string): Page {
  return { path, text: readFileSync(join(root, path), 'utf8') }
}

export interface Block {
  language: string
  text: string
  /** Of the opening fence, counted from 1. */
  line: number
  /** What the HTML comment on the line in front says, if there is one. */
  comment: string | undefined
}

const anyFence = /^[\s>]*(`{3,}|~{3,})/
const openingFence = /^```(\w*)$/

/** Fenced code blocks. Throws where a fence has another form than this reads, so that no block goes unseen. */
export function codeBlocks({ path, text }: Page): Block[] {
  const lines = text.split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    if (!anyFence.test(lines[at] ?? '')) continue
    const language = openingFence.exec(lines[at] ?? '')?.[1]
    if (language === undefined) throw new Error(`${path}:${at + 1}: a fence that the tests can't read.`)
    const end = lines.indexOf('```', at + 1)
    if (end === -1) throw new Error(`${path}:${at + 1}: the block has no end.`)
    const code = lines.slice(at + 1, end).map(each => `${each}\n`)
    const comment = /^<!-- (.*) -->$/.exec(lines[at - 1] ?? '')?.[1]
    blocks.push({ language, text: code.join(''), line: at + 1, comment })
    at = end
  }
  return blocks
}

/** Code inside of a line. */
export function inlineCode({ text }: Page): string[] {
  return [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
}

/** The block behind the comment `<!-- run: NAME -->`. */
export function markedBlock(page: Page, name: string): string {
  const block = codeBlocks(page).find(({ comment }) => comment === `run: ${name}`)
  if (block === undefined) throw new Error(`${page.path} has no block marked with run: ${name}.`)
  return block.text
}

/** The part of a page below a heading, up to the next of the same or a higher level. */
export function section({ path, text }: Page, heading: string): string {
  const [, rest] = text.split(`\n${heading}\n`)
  if (rest === undefined) throw new Error(`${path} has no heading "${heading}".`)
  const level = /^#+/.exec(heading)?.[0].length ?? 1
  return rest.split(new RegExp(`^#{1,${level}} `, 'm'))[0] ?? ''
}

/** What stands in backticks in the first column of the tables of a text. */
export function firstColumn(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)`/gm)].map(([, cell = '']) => cell)
}
