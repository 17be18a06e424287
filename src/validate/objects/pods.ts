import { read } from '../../system/json.ts'
import type { Remark } from './remark.ts'
import { type Container, containersOf, scalarText, type Workload } from './workload.ts'

const gpu = 'nvidia.com/gpu'

/** What a plain pod's spec says of its rights and its GPUs; the operator sets both for what it makes itself. */
export function remarksOnPod(workload: Workload): Remark[] {
  if (workload.form !== 'pod') return []
  return [...remarksOnRights(workload), ...containersOf(workload).flatMap(remarksOnGpus)]
}

function remarksOnRights(workload: Workload): Remark[] {
  const { path, spec } = workload
  const shared = ['hostNetwork', 'hostPID', 'hostIPC'].filter(field => spec[field] === true)
  return [
    ...shared.map(field => tooMuch(`${path}.${field}`, `${field}: true`)),
    ...containersOf(workload).flatMap(({ path: place, fields }) => {
      const context = `${place}.securityContext`
      const own = fields.securityContext
      const asRoot = (read(own, 'runAsUser') ?? read(spec, 'securityContext', 'runAsUser')) === 0
      return [
        ...(read(own, 'privileged') === true ? [tooMuch(`${context}.privileged`, 'privileged: true')] : []),
        ...(asRoot ? [tooMuch(context, 'runAsUser: 0')] : []),
      ]
    }),
  ]
}

function tooMuch(path: string, found: string): Remark {
  return {
    name: 'objects.rights',
    status: 'warning',
    path,
    expected: 'what Pod Security level restricted permits',
    found,
    next: 'NIMs need none of it: run as 1000:2000 with fsGroup 2000, as the NIM Operator does.',
  }
}

/** https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/: a limit is enough, a request has to be equal to it. */
function remarksOnGpus({ path, fields }: Container): Remark[] {
  const limit = scalarText(read(fields.resources, 'limits', gpu))
  const request = scalarText(read(fields.resources, 'requests', gpu))
  if (request === undefined || request === limit) return []
  return [
    {
      name: 'objects.gpus',
      status: 'failed',
      path: `${path}.resources`,
      expected: `${gpu} in limits as in requests: ${request}`,
      found: limit ?? 'no limit',
      next: 'The API server refuses GPUs whose request and limit differ; set the limit.',
    },
  ]
}
