const byPatch = 'rarely wanted, and no flag says it better than YAML: --patch or --set'
const fromFile = 'stands in the file of --init-container or --sidecar, which is taken over as it is'
const otherProbe = 'a NIM answers over HTTP, at a path that a flag can change; other kinds of probes: --patch'
const whole = 'what is named has to be there: a NIM without it would fail later, and say less'
const ownPod = 'a NIM has nothing to learn of its own pod'

/** Of every list of variables: by what `--env`, `--env-secret` and `--env-config-map` say. */
const variables = (path: string) => [
  ...['fieldRef', 'resourceFieldRef'].map(kind => ({ path: `${path}.valueFrom.${kind}`, reason: ownPod })),
  { path: `${path}.valueFrom.fileKeyRef`, reason: 'a young field of Kubernetes, which most clusters do not have' },
  { path: `${path}.valueFrom.configMapKeyRef.optional`, reason: whole },
]

const ofContainers = (path: string) => [
  { path: `${path}.env[].valueFrom`, reason: fromFile },
  { path: `${path}.image.pullPolicy`, reason: fromFile },
  { path: `${path}.image.pullSecrets`, reason: 'ignored by the operator' },
]

const ofProbe = (path: string) => [
  ...['exec', 'grpc', 'tcpSocket'].map(kind => ({ path: `${path}.${kind}`, reason: otherProbe })),
  ...['host', 'httpHeaders', 'scheme'].map(field => ({ path: `${path}.httpGet.${field}`, reason: byPatch })),
  { path: `${path}.successThreshold`, reason: byPatch },
  { path: `${path}.terminationGracePeriodSeconds`, reason: byPatch },
]

/** Of metrics: what `--hpa-metric [KIND/]NAME=VALUE` has no word for. */
const ofMetrics = (path: string) => [
  ...['external', 'object', 'pods'].map(kind => ({ path: `${path}.${kind}.metric.selector`, reason: byPatch })),
  ...Object.entries(otherTargets).flatMap(([kind, targets]) =>
    targets.map(target => ({ path: `${path}.${kind}.target.${target}`, reason: 'a value has one form for each kind' })),
  ),
]

const otherTargets = {
  containerResource: ['averageValue', 'value'],
  external: ['averageUtilization', 'value'],
  object: ['averageUtilization', 'averageValue'],
  pods: ['averageUtilization', 'value'],
  resource: ['averageUtilization', 'value'],
}

/** Fields of the CRDs that no row of `emit` sets, or not all of what lies below them, and why. */
export const notEmitted: readonly { path: string; reason: string }[] = [
  ...['NIMBuild', 'NIMCache', 'NIMService'].flatMap(kind => variables(`${kind} spec.env[]`)),
  ...['NIMBuild', 'NIMService'].map(kind => ({
    path: `${kind} spec.env[].valueFrom.secretKeyRef.optional`,
    reason: whole,
  })),
  ...['NIMBuild', 'NIMCache', 'NIMService'].map(kind => ({
    path: `${kind} spec.tolerations[].tolerationSeconds`,
    reason: 'a pod that may stay for a while only is no place for a model that takes long to load',
  })),
  { path: 'NIMBuild spec.annotations', reason: 'not read by the operator, which takes those of the metadata' },
  { path: 'NIMBuild spec.labels', reason: 'not read by the operator, which takes those of the metadata' },

  { path: 'NIMCache spec.certConfig', reason: 'deprecated: the controller fails; --proxy-ca-config-map' },
  { path: 'NIMCache spec.storage.hostPath', reason: 'deprecated: the controller never reads it; --claim' },
  ...ofContainers('NIMCache spec.initContainers[]'),

  {
    path: 'NIMPipeline spec.services[].spec',
    reason: 'the fields of a NIMService, which the rows of that kind set; a service is taken over as it is',
  },

  { path: 'NIMService spec.affinity', reason: byPatch },
  { path: 'NIMService spec.podAffinity', reason: 'deprecated' },
  { path: 'NIMService spec.draResources[].claimCreationSpec', reason: 'a claim of several selectors is YAML: --patch' },
  { path: 'NIMService spec.draResources[].requests', reason: byPatch },
  { path: 'NIMService spec.expose.ingress', reason: 'deprecated from 3.1.0: --ingress-class' },
  {
    path: 'NIMService spec.expose.router.eppConfig',
    reason: 'an inference gateway is set up by its own YAML: --patch',
  },
  { path: 'NIMService spec.expose.router.gateway.backendRef', reason: 'the operator finds the Service by itself' },
  ...['initContainers', 'sidecarContainers'].flatMap(field => ofContainers(`NIMService spec.${field}[]`)),
  ...['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap(probe => ofProbe(`NIMService spec.${probe}.probe`)),
  { path: 'NIMService spec.resources.claims', reason: 'refused by the webhook: --resource-claim' },
  { path: 'NIMService spec.scale.hpa.behavior', reason: byPatch },
  ...ofMetrics('NIMService spec.scale.hpa.metrics[]'),
]
