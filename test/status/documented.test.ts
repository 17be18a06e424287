import { expect, it } from 'vitest'

import { renderStatus } from '../../src/cli/render/status.ts'
import { readStatus } from '../../src/status/status.ts'
import { parseTarget } from '../../src/status/target.ts'
import { codeBlocks, readPage } from '../docs/markdown.ts'
import { standInCluster } from '../kubernetes/stand-in-cluster.ts'
import { claim, event, job, nimObject, pod, status } from './objects.ts'

it('docs/kubernetes.md shows what status says of a storage class that is not there', async () => {
  const waits = { type: 'Ready', status: 'False', reason: 'NIMCacheNotReady', message: 'NIMCache llama not ready' }
  const pending = { type: 'NIM_CACHE_JOB_PENDING', status: 'True', reason: 'JobPending' }
  const volumes = [{ name: 'nim-cache-volume', persistentVolumeClaim: { claimName: 'llama-pvc' } }]
  const message = 'pod has unbound immediate PersistentVolumeClaims.'
  const conditions = [{ type: 'PodScheduled', status: 'False', message }]
  const labels = { 'job-name': 'llama-job' }
  const said = 'storageclass.storage.k8s.io "fast-ssd" not found'
  const cluster = standInCluster({
    objects: [
      nimObject('NIMService', 'llama', {
        spec: { storage: { nimCache: { name: 'llama' } } },
        ...status('NotReady', waits),
      }),
      nimObject('NIMCache', 'llama', { spec: { storage: { pvc: { create: true } } }, ...status('Pending', pending) }),
      claim('llama-pvc', { spec: { storageClassName: 'fast-ssd' }, phase: 'Pending' }),
      job('llama-job'),
    ],
    pods: [[pod('llama-job-x7k2p', { labels, phase: 'Pending', spec: { volumes }, conditions })]],
    events: [[event('PersistentVolumeClaim', 'llama-pvc', 'ProvisioningFailed', said)]],
  })
  const report = await readStatus(cluster, parseTarget('nimservice/llama'), new AbortController().signal)
  const shown = codeBlocks(readPage('docs/kubernetes.md')).map(({ text }) => text)
  expect(shown).toContainEqual(expect.stringContaining(renderStatus(report)))
})
