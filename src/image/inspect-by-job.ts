import type { Cluster } from '../kubernetes/cluster.ts'
import { makeJob, type PodSettings, type Step } from '../kubernetes/job.ts'
import { runJob } from '../kubernetes/run-job.ts'
import { lookedFor, manifestPlaces, recogniseFamily } from '../nim/families.ts'
import { NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import type { NimImage } from './inspect.ts'

/** What a pod sees of its image. */
export type PulledImage = Pick<NimImage, 'reference' | 'digest' | 'family' | 'manifest'>

interface JobInspection {
  cluster: Cluster
  image: string
  settings: PodSettings
}

interface JobInspectionOptions {
  signal: AbortSignal
  report: Report
  stuckMs: number
}

/**
 * Reads what an image says of itself, and which digest the cluster pulls for it, in a short-lived pod; as the NIM
 * Operator does (reference/operator.md 3, manifest probe pod). It needs no GPU, no key and no volume. Labels are not to
 * be seen from inside: an image without a shell is taken for a native one, as only those have none (reference/nim.md 0).
 *
 * @throws NimctlError `usage` / `NOT_A_NIM_IMAGE`; what keeps the pod from starting.
 */
export async function inspectByJob(
  { cluster, image, settings }: JobInspection,
  { signal, report, stuckMs }: JobInspectionOptions,
): Promise<PulledImage> {
  const { gpus: _gpus, runtimeClass: _runtimeClass, shmSize: _shmSize, ...where } = settings
  const lines: string[] = []
  const job = makeJob({ task: 'inspect', namespace: cluster.namespace, settings: where, steps: [inspectStep(image)] })
  const results = await runJob(job, { cluster, signal, report, stuckMs, onLine: line => lines.push(line) })
  const result = results.get(stepName)
  const hasShell = result?.programMissing !== true
  const { env, manifest } = readPrinted(lines)
  const family = hasShell
    ? recogniseFamily({ labels: {}, env, entrypoint: [], command: [], ...(manifest && { manifest }) })
    : 'native'
  if (family === undefined) throw notNim(image)
  return {
    reference: image,
    digest: result?.imageDigest ?? '',
    family,
    ...(manifest && { manifest }),
  }
}

const stepName = 'inspect'

/** Nothing but the shell and `cat`. Of the variables only the names: values may be anybody's. */
const script = `env | while IFS= read -r line; do case $line in NIM_*=*) echo "env \${line%%=*}=" ;; esac; done
for file in "$@"; do if [ -f "$file" ]; then echo "manifest $file"; cat "$file"; exit 0; fi; done
`

function inspectStep(image: string): Step {
  return { name: stepName, image, entrypoint: ['sh', '-c', script, 'sh'], command: [...manifestPlaces] }
}

function readPrinted(lines: readonly string[]): { env: string[]; manifest?: { path: string; text: string } } {
  const start = lines.findIndex(line => line.startsWith('manifest /'))
  const head = start === -1 ? lines : lines.slice(0, start)
  const env = head.flatMap(line => /^env (NIM_\w+=)$/.exec(line)?.[1] ?? [])
  if (start === -1) return { env }
  const path = lines[start]?.slice('manifest '.length) ?? ''
  return { env, manifest: { path, text: lines.slice(start + 1).join('\n') } }
}

function notNim(image: string): NimctlError {
  return new NimctlError('usage', 'NOT_A_NIM_IMAGE', {
    what: `${image} is no NIM image that nimctl knows how to operate.`,
    why: `Looked in a pod for ${lookedFor}; none is there.`,
    next: 'Check the name: NIM images are those under nvcr.io/nim/, or your mirror of them.',
  })
}
