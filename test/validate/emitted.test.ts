import { expect, it } from 'vitest'

import { emitLoader } from '../../src/emit/loader.ts'
import { emitNimCache } from '../../src/emit/nimcache.ts'
import { emitNimService } from '../../src/emit/nimservice.ts'
import type { EmitResult } from '../../src/emit/result.ts'
import { emitStack } from '../../src/emit/stack.ts'
import { renderYaml } from '../../src/emit/yaml.ts'
import { type OperatorVersion, operatorVersions } from '../../src/operator/versions.ts'
import { aHeader, anNgcRequest, aRequest, aServiceRequest, vllmProfile } from '../emit/request.ts'
import { findings, judge } from './judge-objects.ts'

const job = { runAs: { uid: 1000, gid: 2000, fsGroup: 2000 }, cpu: '500m', memory: '1Gi' }

interface Row {
  what: string
  emit: (operatorVersion: OperatorVersion) => EmitResult
  since?: OperatorVersion
}

/** A row for each thing that `nimctl emit` writes. */
const rows: Row[] = [
  { what: 'a stack filled by a NIMCache', emit: operatorVersion => emitStack(aRequest({ operatorVersion })) },
  {
    what: 'a stack that Hugging Face’s profiles make',
    emit: operatorVersion => emitStack(aRequest({ operatorVersion, header: aHeader({ profiles: [vllmProfile] }) })),
  },
  {
    what: 'a stack filled by a Job',
    emit: operatorVersion => emitStack(aRequest({ operatorVersion, loader: 'job', job })),
  },
  {
    what: 'a stack filled by init containers',
    emit: operatorVersion => emitStack(aRequest({ operatorVersion, loader: 'init', job })),
    since: '3.1.0',
  },
  { what: 'a stack by the override', emit: operatorVersion => emitStack(anNgcRequest({ operatorVersion })) },
  { what: 'a NIMCache', emit: operatorVersion => emitNimCache(aRequest({ operatorVersion })) },
  {
    what: 'a NIMService on a claim',
    emit: operatorVersion =>
      emitNimService(
        aServiceRequest({ operatorVersion, files: { from: 'claim', claim: { create: false, name: 'models' } } }),
      ),
  },
  {
    what: 'a loader',
    emit: operatorVersion => {
      const { uploaded, volume, loaderImage = '' } = aRequest()
      const target = { kind: 'loader', name: 'llama', namespace: 'nim-service', operatorVersion }
      return emitLoader({ ...target, caches: [{ uploaded }], loaderImage, volume, newClaimName: 'llama', job })
    },
  },
]

const cases = rows.flatMap(row =>
  operatorVersions
    .filter(version => operatorVersions.indexOf(version) >= operatorVersions.indexOf(row.since ?? '3.0.0'))
    .map(version => ({ ...row, version })),
)

it.each(cases)('nothing is found in $what for operator $version', async ({ emit, version }) => {
  const text = renderYaml(emit(version), 'made by a test')
  const checks = await judge(text, { operatorVersion: version, registries: ['registry.internal:5000'] })
  expect(checks.filter(({ status }) => status !== 'ok').map(({ found = '' }) => found)).toEqual([])
  expect(findings(checks)).toEqual([])
})
