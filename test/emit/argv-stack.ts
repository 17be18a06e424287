import { loraRows } from './argv-lora.ts'
import { networkRows } from './argv-network.ts'
import { nimCacheRows } from './argv-nimcache.ts'
import type { Row } from './argv-row.ts'
import { serviceRows } from './argv-serving.ts'

const loader = ['--loader-image', 'registry.internal/nimctl:1.0']

/** Flags that say where the files of a NIMService are: a stack knows that. */
const filesFlags = new Set(['--nimcache', '--claim', '--new-claim', '--read-only', '--image'])

/** What a stack serves is said by the flags of a NIMService. */
const serving: Row[] = [...serviceRows, ...networkRows, ...loraRows]
  .filter(({ args }) => !args.some(word => filesFlags.has(word)))
  .map(row => ({
    ...row,
    args: ['stack', ...row.args.slice(1), ...(row.args.includes('--loader-image') ? [] : loader)],
  }))

const jobFlags = [
  '--cpu',
  '--memory',
  '--node-selector',
  '--toleration',
  '--runtime-class',
  '--run-as',
  '--init-container',
]
const moreJobFlags = [
  '--env',
  '--env-secret',
  '--env-config-map',
  '--http-proxy',
  '--https-proxy',
  '--noproxy',
  '--proxy-ca-config-map',
]
const ofJob = new Set([...jobFlags, ...moreJobFlags])

/** How its NIMCache is filled is said by the flags of one, with a prefix. */
const filling: Row[] = nimCacheRows
  .filter(({ args }) => args.some(word => ofJob.has(word)) && !args.includes('--image'))
  .map(row => ({
    ...row,
    kind: 'NIMCache',
    args: ['stack', ...row.args.slice(1), '--profile', '1234'].map(word =>
      ofJob.has(word) ? `--nimcache-${word.slice(2)}` : word,
    ),
  }))

const start = [
  'stack',
  'llama',
  '--inventory',
  '@inventory.jsonl',
  '--store-url',
  's3://m/l',
  '--profile',
  '1234',
  ...loader,
]
const proxy = (
  '--nimcache-http-proxy http://p:1 --nimcache-https-proxy http://p:1 --nimcache-noproxy .svc ' +
  '--nimcache-proxy-ca-config-map ca'
).split(' ')

export const stackRows: Row[] = [
  ...serving,
  ...filling,
  {
    args: [...start, ...proxy],
    kind: 'NIMCache',
    spec: { proxy: { httpProxy: 'http://p:1', httpsProxy: 'http://p:1', noProxy: '.svc', certConfigMap: 'ca' } },
  },
]
