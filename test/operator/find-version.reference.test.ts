import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { expect, it } from 'vitest'
import { parse } from 'yaml'

import { findOperatorVersion } from '../../src/operator/find-version.ts'
import { operatorVersions } from '../../src/operator/versions.ts'
import { standInCluster } from '../kubernetes/stand-in-cluster.ts'

const repository = join(import.meta.dirname, '../..')
const crds = resolve(repository, process.env['NIMCTL_REFERENCE_DIR'] ?? '../shared', 'crds')

/** The CRDs of 3.0.1 are those of 3.0.0, and count as these. */
const toldApart = operatorVersions.filter(version => version !== '3.0.1')

it.each(toldApart)('knows %s by its CRDs', async version => {
  const folder = version === 'main' ? crds : join(crds, `v${version}`)
  const files = readdirSync(folder).filter(name => name.endsWith('.yaml'))
  const objects = files.map(name => parse(readFileSync(join(folder, name), 'utf8')))
  const found = await findOperatorVersion(standInCluster({ objects }), new AbortController().signal)
  expect(found).toMatchObject({ version, by: 'crds' })
})
