import { namesOfNimCache } from '../names.ts'
import { at, listAt, textAt } from '../plain.ts'
import { ofKind, reportingOn, type Member, type ObjectFinding } from './member.ts'

const report = reportingOn('reference/operator.md, sections 2 to 5: names of what the operator makes')

interface Made {
  kind: string
  name: string
  /** Whether the operator takes an object of this name over if it is there already. */
  taken?: boolean
}

/** Objects that stand twice in a file, and objects that the operator makes under a name that something else has. */
export function checkMade(members: readonly Member[]): ObjectFinding[] {
  return [...repeated(members), ...members.flatMap(member => collisions(member, members)), ...pipelines(members)]
}

function repeated(members: readonly Member[]): ObjectFinding[] {
  return members
    .filter(member => member.name !== '' && members.slice(0, member.index).some(other => isSame(other, member)))
    .map(member =>
      report(member, 'fails', {
        rule: 'object-repeated',
        path: 'metadata.name',
        message: `${member.kind} ${member.name} stands in the file before, and the second one replaces it`,
      }),
    )
}

function isSame(one: Member, other: Member): boolean {
  const sameApi = textAt(one.object, 'apiVersion') === textAt(other.object, 'apiVersion')
  return sameApi && one.kind === other.kind && one.name === other.name && one.namespace === other.namespace
}

function collisions(member: Member, members: readonly Member[]): ObjectFinding[] {
  const others = members.filter(other => !isSame(other, member) && other.namespace === member.namespace)
  return madeBy(member).flatMap(({ kind, name, taken = false }) =>
    others.flatMap(other => {
      const isObject = other.kind === kind && other.name === name
      const isMadeToo =
        other.index < member.index && madeBy(other).some(made => made.kind === kind && made.name === name)
      if (!isObject && !isMadeToo) return []
      const whose = isObject ? 'is in the file' : `is made for ${other.kind} ${other.name} as well`
      return [
        report(member, taken && isObject ? 'warning' : 'fails', {
          rule: 'name-taken',
          path: 'metadata.name',
          message: `${kind} ${name}, which the operator makes for ${member.kind} ${member.name}, ${whose}: give one of them another name`,
        }),
      ]
    }),
  )
}

/** What the operator makes for an object, with the names that it chooses itself. */
function madeBy({ kind, name, object }: Member): Made[] {
  if (kind === 'NIMCache') {
    const { persistentVolumeClaim, job, manifestPod } = namesOfNimCache(name)
    return [...claims(object, persistentVolumeClaim), { kind: 'Job', name: job }, { kind: 'Pod', name: manifestPod }]
  }
  if (kind === 'NIMService') return madeForService(object, name)
  if (kind === 'NIMBuild')
    return ['engine-build-pod', 'local-manifest-pod'].map(suffix => ({ kind: 'Pod', name: `${name}-${suffix}` }))
  return []
}

function madeForService(object: unknown, name: string): Made[] {
  const kinds = ['Deployment', 'Service', 'ServiceAccount', 'Role', 'RoleBinding']
  const scaler = at(object, 'spec', 'scale', 'enabled') === true ? ['HorizontalPodAutoscaler'] : []
  return [...claims(object, `${name}-pvc`), ...[...kinds, ...scaler].map(kind => ({ kind, name }))]
}

function claims(object: unknown, byDefault: string): Made[] {
  const claim = at(object, 'spec', 'storage', 'pvc')
  if (at(claim, 'create') !== true) return []
  return [{ kind: 'PersistentVolumeClaim', name: textAt(claim, 'name') || byDefault, taken: true }]
}

/** A pipeline makes NIMServices named like its services, and takes none over that it doesn't own. */
function pipelines(members: readonly Member[]): ObjectFinding[] {
  const made = ofKind(members, 'NIMPipeline').flatMap(pipeline =>
    listAt(pipeline.object, 'spec', 'services').map((service, index) => ({
      pipeline,
      path: `spec.services[${index}].name`,
      name: textAt(service, 'name'),
    })),
  )
  return made.flatMap(({ pipeline, path, name }) => {
    const isTaken = (other: Member) => other.name === name && other.namespace === pipeline.namespace
    const service = ofKind(members, 'NIMService').find(isTaken)
    const earlier = made.find(
      other =>
        other.pipeline.index < pipeline.index && other.name === name && other.pipeline.namespace === pipeline.namespace,
    )
    if (name === '' || (service === undefined && earlier === undefined)) return []
    const owner = service === undefined ? `NIMPipeline ${earlier?.pipeline.name}` : 'the file itself'
    return [
      report(pipeline, 'fails', {
        rule: 'pipeline-service-taken',
        path,
        message: `NIMService ${name} is there already, from ${owner}, and a pipeline takes over none that it doesn't own`,
      }),
    ]
  })
}
