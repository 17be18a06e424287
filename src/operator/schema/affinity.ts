import { labelSelector } from './core.ts'
import { int32, list, object, required, string } from './field.ts'

const nodeExpressions = list(object({ key: required(string), operator: required(string), values: list(string) }))
const nodeTerm = object({ matchExpressions: nodeExpressions, matchFields: nodeExpressions })

const podTerm = object({
  labelSelector,
  matchLabelKeys: list(string),
  mismatchLabelKeys: list(string),
  namespaceSelector: labelSelector,
  namespaces: list(string),
  topologyKey: required(string),
})

/** PodAffinity and PodAntiAffinity of core/v1. */
export const podAffinity = object({
  preferredDuringSchedulingIgnoredDuringExecution: list(
    object({ podAffinityTerm: required(podTerm), weight: required(int32) }),
  ),
  requiredDuringSchedulingIgnoredDuringExecution: list(podTerm),
})

const nodeAffinity = object({
  preferredDuringSchedulingIgnoredDuringExecution: list(
    object({ preference: required(nodeTerm), weight: required(int32) }),
  ),
  requiredDuringSchedulingIgnoredDuringExecution: object({ nodeSelectorTerms: required(list(nodeTerm)) }),
})

/** Affinity of core/v1. */
export const affinity = object({ nodeAffinity, podAffinity, podAntiAffinity: podAffinity })
