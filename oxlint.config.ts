import { defineConfig } from 'oxlint'

/** Data flows down this list. A folder imports from the folders above it, never from those below (docs/architecture.md). */
const flow = [
  'system',
  'nim',
  'kubernetes',
  'operator',
  'image',
  'profiles',
  'cache',
  'inventory',
  'stores',
  'transfer',
  'validate',
  'emit',
  'status',
  'hybrid-manager',
  'pipeline',
  'cli',
]

/** A store knows nothing of models, so that each can be tested, and taken over, alone. */
const seenByStores = ['system']

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'promise', 'vitest'],
  categories: { correctness: 'error' },
  ignorePatterns: ['dist', 'coverage'],
  rules: {
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-non-null-assertion': 'error',
    'unicorn/prefer-node-protocol': 'error',
    'vitest/no-disabled-tests': 'error',
    'vitest/no-focused-tests': 'error',
  },
  overrides: [
    ...flow.map((folder, index) => forbidImports(folder, flow.slice(index + 1))),
    forbidImports(
      'stores',
      flow.filter(folder => folder !== 'stores' && !seenByStores.includes(folder)),
    ),
    { files: ['src/**'], rules: { 'no-console': 'error' } },
    { files: ['*.config.ts', 'test/servers/global-setup.ts'], rules: { 'import/no-default-export': 'off' } },
  ],
})

function forbidImports(folder: string, others: string[]) {
  const patterns = others.map(other => ({
    group: [`**/${other}/**`],
    message: `${folder}/ knows nothing of ${other}/.`,
  }))
  return {
    files: [`src/${folder}/**`],
    rules: { 'no-restricted-imports': ['error', { patterns }] as ['error', { patterns: typeof patterns }] },
  }
}
