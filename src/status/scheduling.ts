import type { V1Pod } from '@kubernetes/client-node'

import type { AnyObject } from '../kubernetes/objects.ts'
import type { Finding } from './report.ts'

/** Why no node takes a pod, by what the scheduler says of the nodes (https://kubernetes.io/docs/concepts/scheduling-eviction/). */
const rules: readonly { match: RegExp; code: string; what: string; next: string }[] = [
  {
    match: /Insufficient nvidia\.com\/gpu/,
    code: 'GPU_INSUFFICIENT',
    what: 'No node has as many free GPUs as the pod asks for.',
    next: 'What there is: kubectl get nodes -o custom-columns=NAME:.metadata.name,GPUS:.status.allocatable.nvidia\\.com/gpu. Without the GPU Operator, or its device plugin, a node offers none.',
  },
  {
    match: /Insufficient (?:memory|cpu|ephemeral-storage)/,
    code: 'RESOURCES_INSUFFICIENT',
    what: 'No node has as much free memory, CPU or disk as the pod asks for.',
    next: 'Lower spec.resources, or free a node. What there is: kubectl describe nodes',
  },
  {
    match: /untolerated taint/,
    code: 'NODE_TAINTED',
    what: 'The nodes that would do refuse pods without a toleration.',
    next: 'Add the taint that it names to tolerations; GPU nodes are usually tainted with nvidia.com/gpu.',
  },
  {
    match: /Too many pods/,
    code: 'NODE_FULL',
    what: 'The nodes that would do run as many pods as they may.',
    next: 'End something else there, or add a node.',
  },
]

const gpuLabel = 'feature.node.kubernetes.io/pci-10de.present'

/**
 * What keeps the scheduler from placing a pod, in more exact words than it has itself.
 *
 * @param nodes absent where this user may not list them.
 * @returns `undefined` where only its own words are left, such as for volumes.
 */
export function explainScheduling(
  pod: V1Pod,
  said: string,
  nodes: readonly AnyObject[] | undefined,
): Finding | undefined {
  // Of a tainted node the scheduler does not say whether its labels would do, and control planes are always tainted.
  if (nodes !== undefined && selectorPattern.test(said) && !nodes.some(node => isSelected(pod, node)))
    return explainSelector(pod, said, nodes)
  const rule = rules.find(({ match }) => match.test(said))
  if (rule !== undefined) {
    const { code, what, next } = rule
    return { code, severity: 'stuck', what, why: said, next }
  }
  return selectorPattern.test(said) ? explainSelector(pod, said, nodes) : undefined
}

const selectorPattern = /node affinity\/selector|didn't match Pod's node/

function isSelected({ spec }: V1Pod, { metadata }: AnyObject): boolean {
  return Object.entries(spec?.nodeSelector ?? {}).every(([label, value]) => metadata.labels?.[label] === value)
}

function explainSelector({ spec }: V1Pod, said: string, nodes: readonly AnyObject[] | undefined): Finding {
  const selector = Object.entries(spec?.nodeSelector ?? {})
  const nowhere = selector.filter(([label, value]) => nodes?.every(node => node.metadata.labels?.[label] !== value))
  const wanted = (nowhere.length > 0 ? nowhere : selector).map(([label, value]) => `${label}=${value}`).join(', ')
  if (wanted.startsWith(gpuLabel) || (nodes === undefined && wanted.includes(gpuLabel))) {
    return {
      code: 'GPU_LABEL_MISSING',
      severity: 'stuck',
      what: `No node has the label ${gpuLabel}=true, by which the NIM Operator finds nodes for what it runs.`,
      why: said,
      next: `Node Feature Discovery sets it, which comes with the GPU Operator: kubectl get nodes -L ${gpuLabel}. Where a node without a GPU may fill caches, give the NIMCache a nodeSelector of its own.`,
    }
  }
  return {
    code: 'NODE_SELECTOR_UNMATCHED',
    severity: 'stuck',
    what: wanted === '' ? "No node is one that the pod's affinity permits." : `No node has the labels ${wanted}.`,
    why: said,
    next: 'Correct nodeSelector, or label a node. What there is: kubectl get nodes --show-labels',
  }
}
