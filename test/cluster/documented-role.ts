import { codeBlocks, readPage } from '../docs/markdown.ts'

/** The Role that docs/kubernetes.md shows; the ClusterRole is for what lies in no namespace. */
export async function readRole(kind: 'kind: Role' | 'kind: ClusterRole' = 'kind: Role'): Promise<string> {
  const block = codeBlocks(readPage('docs/kubernetes.md')).find(({ text }) => text.includes(kind))
  if (block === undefined) throw new Error(`docs/kubernetes.md shows no ${kind}.`)
  return block.text
}
