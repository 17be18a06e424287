import type { TestProject } from 'vitest/node'

import { type ClusterNode, startCluster } from './start-cluster.ts'

declare module 'vitest' {
  interface ProvidedContext {
    clusterNode: Omit<ClusterNode, 'stop'>
  }
}

/** For vitest's globalSetup: once per run, in vitest's own process. A node that does not start fails the tests. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { stop, ...node } = await startCluster()
  project.provide('clusterNode', node)
  return stop
}
