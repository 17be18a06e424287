import { execa } from 'execa'
import { describe, expect, it } from 'vitest'

/** What of these is loaded while a program runs. */
const sdks = [
  '@kubernetes/client-node',
  '@aws-sdk/client-s3',
  '@azure/identity',
  '@azure/storage-blob',
  '@google-cloud/storage',
  'google-auth-library',
]

/** A store where nobody answers. */
const opened = (url: string, options: object) => `
  const { openStore } = await import('./src/stores/open.ts')
  const store = await openStore(new URL('${url}'), ${JSON.stringify(options)})
  const signal = AbortSignal.timeout(60_000)
  const refused = promise => promise.then(() => process.exit(1), () => undefined)
`

const azure = opened('az://models/p', { endpointUrl: 'http://127.0.0.1:1/account', signRequests: false })
const gs = opened('gs://models/p', { endpointUrl: 'http://127.0.0.1:1', signRequests: false })
const s3 = opened('s3://models/p', { endpointUrl: 'http://127.0.0.1:1', signRequests: false })
const reading = "await refused(store.list('', undefined, { signal })); await refused(store.stat('key', { signal }))"
const removing = "await refused(store.remove('key', { signal }))"

const run = (args: string[]) => `const { run } = await import('./src/cli/main.ts'); await run(${JSON.stringify(args)})`

describe('clients of services', () => {
  it.each([
    { what: '--help', program: run(['--help']), loaded: [] },
    { what: 'help of a command', program: run(['cache', '--help']), loaded: [] },
    { what: 'completion', program: run(['completion', 'bash']), loaded: [] },
    { what: 'the man page', program: run(['man']), loaded: [] },
    { what: 'printing a Job', program: run(['profiles', 'i:1', '--on', 'kubernetes', '--dry-run']), loaded: [] },
    {
      what: 'asking a cluster',
      program: run(['profiles', 'i:1', '--on', 'kubernetes', '--kubeconfig', '/nowhere']),
      loaded: ['@kubernetes/client-node'],
    },
    { what: 'reading from S3', program: s3 + reading, loaded: ['@aws-sdk/client-s3'] },
    { what: 'reading from Azure', program: azure + reading, loaded: [] },
    { what: 'removing in Azure', program: azure + removing, loaded: ['@azure/storage-blob'] },
    { what: 'reading from Google', program: gs + reading, loaded: [] },
    { what: 'removing at Google', program: gs + removing, loaded: ['@google-cloud/storage', 'google-auth-library'] },
  ])('are loaded when they are needed: $what', async ({ program, loaded }) => {
    expect(await loadedBy(program)).toEqual(loaded)
  })
})

async function loadedBy(program: string): Promise<string[]> {
  const watch = `
    const { registerHooks } = await import('node:module')
    const { writeSync } = await import('node:fs')
    const named = new Set()
    registerHooks({ resolve: (name, context, next) => (named.add(name), next(name, context)) })
    process.on('exit', () => writeSync(2, '\\n' + JSON.stringify([...named])))
    ${program}`
  const { stderr } = await execa(process.execPath, ['--input-type=module', '--no-warnings', '--eval', watch], {
    cwd: new URL('../..', import.meta.url),
  })
  const named: unknown = JSON.parse(stderr.split('\n').at(-1) ?? '')
  return sdks.filter(name => Array.isArray(named) && named.includes(name))
}
