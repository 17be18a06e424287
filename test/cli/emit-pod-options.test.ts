import { Command } from 'commander'
import { describe, expect, it } from 'vitest'

import {
  type AdapterFlags,
  adaptersFrom,
  addAdapterOptions,
  addOnlineOptions,
  addPodOptions,
  onlineFrom,
  type OnlineFlags,
  type PodFlags,
  podFrom,
} from '../../src/cli/options/emit/pod.ts'
import { failureOf } from '../emit/failure.ts'

function parse(args: readonly string[]) {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} })
  addPodOptions(command)
  addAdapterOptions(command)
  addOnlineOptions(command)
  const flags = command.parse(args, { from: 'user' }).opts<PodFlags & AdapterFlags & OnlineFlags>()
  return { ...podFrom(flags), ...onlineFrom(flags), lora: adaptersFrom(flags) }
}

it('has the defaults of the Flyte plugin', () => {
  expect(parse([])).toEqual({
    replicas: 1,
    port: 8000,
    probes: { healthPath: 'v1/health/ready', startupSeconds: 3600 },
    resources: { cpu: '1', memory: '20Gi', shmSize: '16Gi' },
    placement: { nodeSelector: {}, tolerations: [], runAs: { uid: 1000, gid: 2000, fsGroup: 2000 } },
    env: {},
    online: false,
    lora: { adapters: [], hubImage: 'python:3.12-alpine' },
  })
})

it('takes every flag', () => {
  const pod = '--replicas 2 --port 9000 --health-path healthz --startup-timeout 30m --cpu 4 --mem 64Gi --gpus 0'
  const place = '--shm-size 32Gi --node-selector zone=a --toleration spot --runtime-class nvidia --run-as image'
  const env = '--env NIM_LOG_LEVEL=DEBUG --env MAX_TOKENS=100 --env EMPTY='
  const lora =
    '--adapter s3://a/b --adapter x=hf://a/b --peft-source /opt/peft/ --adapter-memory 2Gi --adapter-secret s'
  const online = '--adapter-image py:3 --online --ngc-secret ngc --hf-secret hf/token'
  expect(parse([pod, place, env, lora, online].join(' ').split(' '))).toEqual({
    replicas: 2,
    port: 9000,
    probes: { healthPath: 'healthz', startupSeconds: 1800 },
    resources: { cpu: '4', memory: '64Gi', shmSize: '32Gi', gpus: 0 },
    placement: {
      nodeSelector: { zone: 'a' },
      tolerations: [{ key: 'spot', operator: 'Exists' }],
      runtimeClass: 'nvidia',
    },
    env: { NIM_LOG_LEVEL: 'DEBUG', MAX_TOKENS: '100', EMPTY: '' },
    online: true,
    ngcKey: { name: 'ngc', key: 'NGC_API_KEY' },
    hfToken: { name: 'hf', key: 'token' },
    lora: {
      adapters: ['s3://a/b', 'x=hf://a/b'],
      peftSource: '/opt/peft',
      memory: '2Gi',
      secret: 's',
      hubImage: 'py:3',
    },
  })
})

describe('refuses', () => {
  it.each([
    ['--port', '0', 'whole number'],
    ['--port', '65536', '1 to 65535'],
    ['--replicas', '-1', 'whole number'],
    ['--gpus', 'all', 'whole number'],
    ['--cpu', 'two', 'quantity'],
    ['--mem', '20GB', 'quantity'],
    ['--shm-size', '', 'quantity'],
    ['--startup-timeout', 'forever', 'duration'],
    ['--env', 'NAME', 'NIM_LOG_LEVEL=DEBUG'],
    ['--env', '1A=x', 'NIM_LOG_LEVEL=DEBUG'],
    ['--toleration', 'a:Never', 'NoSchedule'],
    ['--node-selector', 'gpu', 'label'],
    ['--run-as', 'nim', 'numbers'],
    ['--peft-source', 'peft', 'absolute path'],
    ['--peft-source', '/opt/../etc', 'absolute path'],
    ['--adapter-memory', 'much', 'quantity'],
    ['--ngc-secret', 'A/b', 'nvidia-nim-secrets/NGC_API_KEY'],
    ['--hf-secret', 'a/b/c', 'nvidia-nim-secrets/HF_TOKEN'],
  ])('%s %j', (flag, value, says) => {
    expect(() => parse([flag, value])).toThrow(says)
  })
})

it.each(['NGC_API_KEY=hunter2', 'hf_token=hunter2'])('refuses to write %s, and does not repeat it', text => {
  const failure = failureOf(() => parse(['--env', text]))
  expect(failure).toMatchObject({ category: 'usage', code: 'SECRET_IN_OBJECT' })
  expect(JSON.stringify([failure.message, failure.why, failure.next])).not.toContain('hunter2')
})
