import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { createProgram } from '../../src/cli/program.ts'
import type { EmitResult } from '../../src/emit/result.ts'
import { formatInventory } from '../../src/inventory/format.ts'
import type { InventoryHeader } from '../../src/inventory/inventory.ts'
import { silent } from '../../src/system/progress.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { aHeader, buildableProfile, loraProfile, tensorProfile, uncountedProfile, vllmProfile } from './request.ts'

/** Files that rows name by `@NAME`. */
export type Files = Record<string, string>

/** The inventory and the other files that the rows of argv.ts name. */
export async function writeFiles(more: Files = {}): Promise<string> {
  const directory = await temporaryDirectory()
  const header = aHeader({ profiles: [tensorProfile, vllmProfile, loraProfile] })
  const files: Files = {
    'inventory.jsonl': inventoryOf(header),
    'ngc.jsonl': inventoryOf({ ...header, layout: 'ngc' }),
    'buildable.jsonl': inventoryOf({ ...header, profiles: [vllmProfile, buildableProfile] }),
    'builds.jsonl': inventoryOf({ ...header, profiles: [buildableProfile, uncountedProfile] }),
    'container.yaml': container,
    'manifest.yaml': manifest,
    'services.yaml': services,
    'buildable.yaml': `${buildableProfile.id}:\n  model: meta/llama\n  tags: ${JSON.stringify(buildableProfile.tags)}\n`,
    ...more,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

const inventoryOf = (header: InventoryHeader) =>
  formatInventory({
    header: { ...header, files: 1, bytes: 40 },
    entries: [{ type: 'file', path: 'a', size: 40, mode: 0o644, crc32c: '00000000' }],
  })

const container = `name: prepare
image: registry.internal/tools:1.0
command: [sh, -c, "ls /model-store"]
args: [a]
workingDir: /tmp
env:
  - name: MODE
    value: check
`

const manifest = `${tensorProfile.id}:
  model: meta/llama-3.2-1b-instruct
  release: "1.10"
  tags: {feat_lora: "false", gpu: L40S, gpu_device: "26b5:10de", llm_engine: tensorrt_llm, pp: "2", tp: "2", precision: bf16, profile: throughput}
${vllmProfile.id}:
  model: meta/llama-3.2-1b-instruct
  release: "1.10"
  tags: {feat_lora: "false", llm_engine: vllm, precision: bf16, tp: "1"}
`

const services = `apiVersion: v1
kind: ConfigMap
metadata: {name: other}
---
apiVersion: apps.nvidia.com/v1alpha1
kind: NIMService
metadata: {name: llm}
spec:
  image: {repository: registry.internal/nim/llama, tag: "1.8"}
  authSecret: unused
  storage: {nimCache: {name: llm, profile: a}}
  replicas: 1
  resources: {limits: {nvidia.com/gpu: 1}, requests: {nvidia.com/gpu: 1}}
  expose: {service: {type: ClusterIP, port: 9000}}
---
apiVersion: v1
kind: List
items:
  - apiVersion: apps.nvidia.com/v1alpha1
    kind: NIMService
    metadata: {name: embedding}
    spec:
      image: {repository: registry.internal/nim/embed, tag: "1.3"}
      authSecret: unused
      storage: {pvc: {name: models}}
      resources: {limits: {nvidia.com/gpu: 1}, requests: {nvidia.com/gpu: 1}}
      expose: {service: {name: embed, port: 8080}}
`

/** Runs `nimctl emit …` in this process; `@NAME` is a file of {@link writeFiles}. */
export async function emitByArgv(args: readonly string[], directory: string): Promise<EmitResult> {
  const words = ['emit', ...args.map(word => word.replace(/(^|=)@/, `$1${directory}/`))]
  let printed: object | undefined
  const program = await createProgram(
    {
      env: {},
      signal: AbortSignal.timeout(60_000),
      report: silent,
      print: (_kind, fields) => (printed = fields),
      printLong: () => Promise.reject(new Error('emit prints no list.')),
      readStdin: () => Promise.resolve(''),
    },
    words,
  )
  await program.parseAsync(words, { from: 'user' })
  if (printed === undefined) throw new Error('Nothing was printed.')
  return { comments: [], ...printed } as unknown as EmitResult
}
