import { expect, it } from 'vitest'

import { emitRunJob, type RunJobRequest } from '../../src/emit/loader/run-job.ts'
import { failureOf } from './failure.ts'

function aRunJobRequest(changes: Partial<RunJobRequest> = {}): RunJobRequest {
  return {
    kind: 'run-job',
    name: 'fetch',
    operatorVersion: '3.1.2',
    command: ['download', 's3://models/llama', '/data/llama'],
    loaderImage: 'registry.internal:5000/nimctl:0.1.0',
    env: { AWS_REGION: 'eu' },
    secrets: ['s3'],
    mounts: [{ kind: 'claim', name: 'models', path: '/data' }],
    job: { cpu: '500m', memory: '1Gi' },
    ...changes,
  }
}

/** As plain data. */
function objectsOf(request: RunJobRequest): object[] {
  return JSON.parse(JSON.stringify(emitRunJob(request).objects))
}

it('runs a command line of nimctl with what is given to it', () => {
  const [job, ...others] = objectsOf(aRunJobRequest())
  expect(others).toEqual([])
  expect(job).toMatchObject({
    kind: 'Job',
    metadata: { name: 'fetch' },
    spec: {
      backoffLimit: 5,
      template: {
        spec: {
          containers: [
            {
              name: 'nimctl',
              image: 'registry.internal:5000/nimctl:0.1.0',
              args: ['download', 's3://models/llama', '/data/llama'],
              env: [{ name: 'AWS_REGION', value: 'eu' }],
              envFrom: [{ secretRef: { name: 's3' } }],
              securityContext: { readOnlyRootFilesystem: true },
              volumeMounts: [
                { name: 'volume-0', mountPath: '/data' },
                { name: 'tmp', mountPath: '/tmp' },
              ],
            },
          ],
          volumes: [
            { name: 'volume-0', persistentVolumeClaim: { claimName: 'models' } },
            { name: 'tmp', emptyDir: {} },
          ],
        },
      },
    },
  })
})

it('brings a file along, and mounts what is there, read-only where nothing is to be written', () => {
  const request = aRunJobRequest({
    configuration: { name: 'images.txt', text: 'a/b:1\n' },
    mounts: [
      { kind: 'secret', name: 'token', path: '/run/token' },
      { kind: 'config-map', name: 'ca', path: '/run/ca' },
    ],
  })
  const [configMap, job] = objectsOf(request)
  expect(configMap).toEqual({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'fetch-config' },
    data: { 'images.txt': 'a/b:1\n' },
  })
  expect(job).toMatchObject({
    spec: {
      template: {
        spec: {
          containers: [
            {
              volumeMounts: [
                { mountPath: '/etc/nimctl', readOnly: true },
                { mountPath: '/run/token', readOnly: true },
                { mountPath: '/run/ca', readOnly: true },
                { mountPath: '/tmp' },
              ],
            },
          ],
          volumes: [
            { configMap: { name: 'fetch-config' } },
            { secret: { secretName: 'token', defaultMode: 0o440 } },
            { configMap: { name: 'ca' } },
            { emptyDir: {} },
          ],
        },
      },
    },
  })
})

it('is an Indexed Job whose pods find their index in the command line', () => {
  const command = ['download', 's3://models/part-$(JOB_COMPLETION_INDEX)', '/data/$(JOB_COMPLETION_INDEX)']
  expect(objectsOf(aRunJobRequest({ command, shards: 4, parallelism: 2 }))).toMatchObject([
    {
      spec: {
        completionMode: 'Indexed',
        completions: 4,
        parallelism: 2,
        template: { spec: { containers: [{ args: command }] } },
      },
    },
  ])
})

const mount = (path: string) => ({ kind: 'claim' as const, name: 'models', path })

it.each([
  ['no command', { command: [] }, 'RUN_JOB_COMMAND', 'nimctl emit run-job'],
  ['a flag for a command', { command: ['--json'] }, 'RUN_JOB_COMMAND', 'nimctl emit run-job'],
  ['shards that all do the same', { shards: 4 }, 'RUN_JOB_SHARDS', '--shards 4 --'],
  ['an index without shards', { command: ['list', 's3://m/$(JOB_COMPLETION_INDEX)'] }, 'RUN_JOB_SHARDS', '--shards'],
  ['the pod’s own directory', { mounts: [mount('/tmp/')] }, 'RUN_JOB_MOUNT', '--mount-claim'],
  ['one path for two', { mounts: [mount('/data'), mount('/data')] }, 'RUN_JOB_MOUNT', '--mount-claim'],
  ['a relative path', { mounts: [mount('data')] }, 'RUN_JOB_MOUNT', '--mount-claim'],
  ['a wrong Secret', { secrets: ['S3'] }, 'NAME_INVALID', 's3'],
])('refuses %s', (_case, changes, code, next) => {
  const failure = failureOf(() => emitRunJob(aRunJobRequest(changes)))
  expect(failure).toMatchObject({ category: 'usage', code })
  expect(failure.next).toContain(next)
})
