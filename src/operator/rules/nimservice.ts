import type { Finding } from '../finding.ts'
import { checkServingAdvice } from './nimservice-advice.ts'
import { checkNimServiceController } from './nimservice-controller.ts'
import { checkGpus } from './nimservice-gpus.ts'
import { checkProbes } from './nimservice-probes.ts'
import { checkScaling } from './nimservice-scale.ts'
import { checkNimServiceWebhook } from './nimservice-webhook.ts'
import { checkPodParts } from './pod.ts'
import type { Subject } from './rule.ts'

/** What the operator, and Kubernetes after it, say of a NIMService that its CRD takes. */
export function checkNimService(subject: Subject): Finding[] {
  return [
    ...checkNimServiceWebhook(subject),
    ...checkNimServiceController(subject),
    ...checkGpus(subject),
    ...checkScaling(subject),
    ...checkProbes(subject),
    ...checkPodParts(subject.spec),
    ...checkServingAdvice(subject),
  ]
}
