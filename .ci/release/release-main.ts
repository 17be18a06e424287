import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { makeArchive, platformNames } from './archive.ts'
import { writeBillOfMaterials } from './bill-of-materials.ts'
import { makeNpmPackage } from './npm-package.ts'
import { readPackageFile, root, run } from './project.ts'
import { readCommit, writeProvenance } from './provenance.ts'
import { refusalsOf, tagOf } from './refusals.ts'
import { writeSums } from './sums.ts'

/** Makes all files of a release. It publishes nothing: it says the commands that would. */
async function release({ out, dryRun }: { out: string; dryRun: boolean }): Promise<number> {
  const { version } = readPackageFile()
  const commit = await readCommit()
  const changelog = await readFile(join(root, 'CHANGELOG.md'), 'utf8')
  const tags = (await run('git', ['tag', '--list'])).split('\n')
  const refusals = refusalsOf({ version, changelog, tags, clean: commit.clean })
  for (const refusal of refusals) process.stderr.write(`${dryRun ? 'Would be refused' : 'Refused'}: ${refusal}\n`)
  if (refusals.length > 0 && !dryRun) return 1

  await mkdir(out, { recursive: true })
  const work = await mkdtemp(join(tmpdir(), 'nimctl-release-'))
  try {
    const files = [await makeNpmPackage({ work: join(work, 'package'), out })]
    for (const platform of platformNames) {
      await mkdir(join(work, platform))
      files.push(await makeArchive({ platform, work: join(work, platform), out }))
    }
    files.push(await writeBillOfMaterials({ work: join(work, 'bill'), out, committedAt: commit.at }))
    files.push(await writeProvenance(out, commit))
    files.push(await writeSums(out, files))
    process.stdout.write(`${files.map(file => join(out, file)).join('\n')}\n`)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  process.stdout.write(`\nNothing was published. To publish it:\n${publishing(version, out)}`)
  return 0
}

function publishing(version: string, out: string): string {
  const tag = tagOf(version)
  return [
    `git tag --annotate ${tag} --message 'nimctl ${version}'`,
    `git push origin ${tag}`,
    `npm publish ${join(out, `nimctl-${version}.tgz`)}`,
    `gh release create ${tag} ${join(out, '*')}`,
    `docker build --tag REGISTRY/nimctl:${version} . && docker push REGISTRY/nimctl:${version}`,
  ].reduce((text, command) => `${text}  ${command}\n`, '')
}

const { values } = parseArgs({
  options: { 'dry-run': { type: 'boolean', default: false }, out: { type: 'string', default: 'release' } },
})
process.exitCode = await release({ out: resolve(values.out), dryRun: values['dry-run'] })
