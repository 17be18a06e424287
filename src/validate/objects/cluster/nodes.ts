import { type AnyObject, valueOf } from '../../../kubernetes/objects.ts'
import { read, textAt } from '../../../system/json.ts'
import { listAt, scalarText } from '../workload.ts'
import { forbiddenVerdict, type Look, type Subject, unprovable, type Verdict } from './look.ts'
import type { PodNeed } from './needs.ts'

interface Node {
  name: string
  labels: Record<string, string>
  taints: readonly unknown[]
  allocatable: number
  /** `undefined` where this user may not list all pods. */
  free: number | undefined
}

interface Wanting {
  subject: Subject
  need: PodNeed
}

const gpu = 'nvidia.com/gpu'

/** Nodes with GPUs, and for each object whether one of them takes its pods: labels, taints, GPUs that there are, and that are free. */
export async function checkNodes(look: Look): Promise<{ verdicts: Verdict[]; gpus: number | undefined }> {
  const { cluster, subjects, signal } = look
  const wanting = subjects.flatMap(subject =>
    subject.needs.pods
      .filter(({ gpus, nodeSelector }) => gpus > 0 || Object.keys(nodeSelector).length > 0)
      .map(need => ({ subject, need })),
  )
  if (wanting.length === 0) return { verdicts: [], gpus: undefined }
  const nodes = await cluster.listObjects({ apiVersion: 'v1', kind: 'Node', allNamespaces: true }, signal)
  const about = { name: 'objects.gpu-nodes', path: cluster.address, expected: `nodes that offer ${gpu}` }
  if (nodes.answer === 'forbidden') return { verdicts: [forbiddenVerdict(about, nodes)], gpus: undefined }
  const pods = await cluster.listObjects({ apiVersion: 'v1', kind: 'Pod', allNamespaces: true }, signal)
  const described = (valueOf(nodes) ?? []).map(node => describe(node, valueOf(pods)))
  const gpus = described.reduce((sum, { allocatable }) => sum + allocatable, 0)
  const needsGpus = wanting.some(({ need }) => need.gpus > 0)
  return {
    verdicts: [
      ...(needsGpus ? [ofGpuNodes(described, about)] : []),
      ...wanting.flatMap(each => climb(each, described, gpus)),
    ],
    gpus,
  }
}

function describe(node: AnyObject, pods: readonly AnyObject[] | undefined): Node {
  const { name, labels = {} } = node.metadata
  const allocatable = Number(scalarText(read(node, 'status', 'allocatable', gpu)) ?? 0)
  const taken = pods
    ?.filter(pod => textAt(pod, 'spec', 'nodeName') === name)
    .filter(pod => !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase') ?? ''))
    .flatMap(pod => listAt(pod, 'spec', 'containers'))
    .reduce<number>((sum, container) => sum + Number(scalarText(read(container, 'resources', 'requests', gpu)) ?? 0), 0)
  return {
    name,
    labels,
    taints: listAt(node, 'spec', 'taints'),
    allocatable,
    free: taken === undefined ? undefined : Math.max(0, allocatable - taken),
  }
}

function ofGpuNodes(nodes: readonly Node[], about: Pick<Verdict, 'name' | 'path' | 'expected'>): Verdict {
  const offering = nodes.filter(({ allocatable }) => allocatable > 0)
  const found = `${offering.length} of ${nodes.length} nodes, with ${offering.reduce((sum, { allocatable }) => sum + allocatable, 0)} GPUs`
  if (offering.length > 0) return { ...about, status: 'ok', found }
  return {
    ...about,
    status: 'failed',
    found: `none of ${nodes.length} nodes`,
    next: `The GPU Operator's device plugin offers them: kubectl get pods -A -l app=nvidia-device-plugin-daemonset`,
  }
}

/** Each step leaves the nodes that pass it; where none is left, the steps above can't be proved. */
function climb({ subject, need }: Wanting, nodes: readonly Node[], gpus: number): Verdict[] {
  const verdicts: Verdict[] = []
  let left = nodes
  let obstacle = need.gpus > 0 && gpus === 0 ? 'objects.gpu-nodes' : undefined
  for (const step of steps.filter(({ applies }) => applies(need))) {
    const about = { name: step.name, path: subject.label(need.path), expected: step.expected(need) }
    if (obstacle !== undefined) {
      verdicts.push(unprovable(about, `${obstacle} failed, which comes first`))
      continue
    }
    const { passing, verdict } = step.judge(need, left)
    verdicts.push({ ...about, ...verdict })
    if (verdict.status === 'failed') obstacle = step.name
    left = passing
  }
  return verdicts
}

interface Step {
  name: string
  applies: (need: PodNeed) => boolean
  expected: (need: PodNeed) => string
  judge: (
    need: PodNeed,
    nodes: readonly Node[],
  ) => { passing: readonly Node[]; verdict: Pick<Verdict, 'status' | 'found' | 'next'> }
}

const steps: readonly Step[] = [
  {
    name: 'objects.node-labels',
    applies: ({ nodeSelector }) => Object.keys(nodeSelector).length > 0,
    expected: ({ nodeSelector }) => `a node with ${pairs(nodeSelector)}`,
    judge(need, nodes) {
      const wanted = Object.entries(need.nodeSelector)
      const passing = nodes.filter(({ labels }) => wanted.every(([name, value]) => labels[name] === value))
      const nowhere = wanted.filter(([name, value]) => nodes.every(({ labels }) => labels[name] !== value))
      return verdictOf(passing, {
        found: nowhere.length > 0 ? `no node with ${pairs(Object.fromEntries(nowhere))}` : 'no node with all of them',
        next: 'Correct nodeSelector, or label a node; Node Feature Discovery and the GPU Operator set those of GPUs: kubectl get nodes --show-labels',
      })
    },
  },
  {
    name: 'objects.gpu-product',
    applies: ({ products }) => products.length > 0,
    expected: ({ products }) => `a node whose nvidia.com/gpu.product has ${products.join(' or ')}`,
    judge({ products }, nodes) {
      const label = (node: Node) => node.labels['nvidia.com/gpu.product']
      const known = [...new Set(nodes.flatMap(node => label(node) ?? []))]
      const passing = nodes.filter(node =>
        products.some(product => label(node)?.toLowerCase().includes(product.toLowerCase())),
      )
      if (known.length === 0)
        return { passing: nodes, verdict: { status: 'not-provable', found: 'no node has the label' } }
      return verdictOf(passing, {
        found: known.join(', '),
        next: 'Choose profiles for the GPUs that there are: nimctl profiles IMAGE --node-gpu PRODUCT',
      })
    },
  },
  {
    name: 'objects.taints',
    applies: () => true,
    expected: () => 'a node whose taints it tolerates',
    judge({ tolerations }, nodes) {
      const refusing = (node: Node) =>
        node.taints.filter(taint => keepsAway(taint) && !tolerations.some(toleration => tolerates(toleration, taint)))
      const passing = nodes.filter(node => refusing(node).length === 0)
      const taints = [
        ...new Set(
          nodes
            .flatMap(refusing)
            .map(taint => `${textAt(taint, 'key')}=${textAt(taint, 'value') ?? ''}:${textAt(taint, 'effect')}`),
        ),
      ]
      const [key] = nodes.flatMap(refusing).flatMap(taint => textAt(taint, 'key') ?? [])
      return verdictOf(passing, {
        found: taints.join(', '),
        next: `Add to tolerations: {key: ${key ?? 'KEY'}, operator: Exists, effect: NoSchedule}`,
      })
    },
  },
  {
    name: 'objects.gpus-allocatable',
    applies: ({ gpus }) => gpus > 0,
    expected: ({ gpus }) => `a node with ${gpus} ${gpu}`,
    judge({ gpus }, nodes) {
      const passing = nodes.filter(({ allocatable }) => allocatable >= gpus)
      const most = Math.max(0, ...nodes.map(({ allocatable }) => allocatable))
      return verdictOf(passing, {
        found: `at most ${most} on one node`,
        next: 'Choose a profile for fewer GPUs, or spread it over nodes (multiNode).',
      })
    },
  },
  {
    name: 'objects.gpus-free',
    applies: ({ gpus }) => gpus > 0,
    expected: ({ gpus, pods }) => `room for ${pods} pods with ${gpus} ${gpu} each`,
    judge({ gpus, pods }, nodes) {
      if (nodes.some(({ free }) => free === undefined))
        return {
          passing: nodes,
          verdict: { status: 'not-provable', found: 'this user may not list the pods of all namespaces' },
        }
      const room = nodes.reduce((sum, { free = 0 }) => sum + Math.floor(free / gpus), 0)
      const found = `room for ${room}`
      if (room >= pods) return { passing: nodes, verdict: { status: 'ok', found } }
      // What runs may be what this replaces.
      return {
        passing: nodes,
        verdict: { status: 'warning', found, next: 'Others use the rest. Who: kubectl get pods -A -o wide' },
      }
    },
  },
]

function verdictOf(passing: readonly Node[], bad: { found: string; next: string }): ReturnType<Step['judge']> {
  if (passing.length === 0) return { passing, verdict: { status: 'failed', ...bad } }
  return { passing, verdict: { status: 'ok', found: passing.map(({ name }) => name).join(', ') } }
}

function pairs(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ')
}

function keepsAway(taint: unknown): boolean {
  return textAt(taint, 'effect') !== 'PreferNoSchedule'
}

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
function tolerates(toleration: unknown, taint: unknown): boolean {
  const key = textAt(toleration, 'key')
  const effect = textAt(toleration, 'effect')
  if (effect !== undefined && effect !== textAt(taint, 'effect')) return false
  if (key === undefined) return textAt(toleration, 'operator') === 'Exists'
  if (key !== textAt(taint, 'key')) return false
  return (
    textAt(toleration, 'operator') === 'Exists' ||
    (textAt(toleration, 'value') ?? '') === (textAt(taint, 'value') ?? '')
  )
}
