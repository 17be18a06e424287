import { text } from 'node:stream/consumers'

import { openCluster } from '../../src/kubernetes/client.ts'
import { findOperatorVersion } from '../../src/operator/find-version.ts'

/** Run in the node's network: KUBECONFIG NAMESPACE. Answers a list of questions on standard input, in their order. */
const [, , kubeconfig = '', namespace = ''] = process.argv
const cluster = await openCluster({ explicit: kubeconfig, namespace, inCluster: false })
const { signal } = new AbortController()

const answer: Record<string, (question: never) => Promise<unknown>> = {
  readObject: question => cluster.readObject(question, signal),
  listObjects: question => cluster.listObjects(question, signal),
  dryRun: question => cluster.dryRun(question, signal),
  findKind: question => cluster.findKind(question, signal),
  readServerVersion: () => cluster.readServerVersion(signal),
  findOperatorVersion: () => findOperatorVersion(cluster, signal),
}

const answers: unknown[] = []
for (const [name, question] of JSON.parse(await text(process.stdin))) {
  answers.push((await answer[name]?.(question as never)) ?? null)
}
process.stdout.write(JSON.stringify(answers))
