import { availableParallelism } from 'node:os'

import { defineConfig } from 'vitest/config'

const setupFiles = ['test/remove-temporary.ts']

/** `unit` needs nothing, `real` starts real servers, `cluster` a Kubernetes, `reference` reads the shared folder (NIMCTL_REFERENCE_DIR). */
export default defineConfig({
  test: {
    // Two on two cores: tests with real servers mostly wait, one of them for a minute.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles,
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.real.test.ts', 'test/**/*.reference.test.ts', 'test/**/*.cluster.test.ts'],
          // Only what hangs: others may use the machine as well.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'real',
          setupFiles,
          include: ['test/**/*.real.test.ts'],
          globalSetup: ['test/servers/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'cluster',
          setupFiles,
          include: ['test/**/*.cluster.test.ts'],
          globalSetup: ['test/cluster/global-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      { test: { name: 'reference', setupFiles, include: ['test/**/*.reference.test.ts'], testTimeout: 60_000 } },
    ],
  },
})
