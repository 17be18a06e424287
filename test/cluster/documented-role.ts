import { codeBlocks, readPage } from '../docs/markdown.ts'

/** The Role that docs/kubernetes.md shows. */
export async function readRole(): Promise<string> {
  const block = codeBlocks(readPage('docs/kubernetes.md')).find(({ text }) => text.includes('kind: Role'))
  if (block === undefined) throw new Error('docs/kubernetes.md shows no Role.')
  return block.text
}
