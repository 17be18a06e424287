import { at, listAt, objectAt, textAt } from '../plain.ts'
import { profilesOf } from './file-caches.ts'
import { find, ofKind, reportingOn, type Member, type ObjectFinding } from './member.ts'
import { podCount } from './nimservice-controller.ts'
import { gpuResource } from './nimservice-gpus.ts'

const report = reportingOn(
  'k8s-nim-operator internal/controller/platform/standalone/nimservice.go; reference/operator.md, section 4',
)

interface Serving {
  member: Member
  spec: unknown
  path: string
}

/** NIMServices, and those that a NIMPipeline makes, on NIMCaches of the same file. */
export function checkServicesOnCaches(members: readonly Member[]): ObjectFinding[] {
  return servings(members).flatMap(serving => {
    const name = textAt(serving.spec, 'storage', 'nimCache', 'name')
    if (name === '') return []
    const cache = find(members, 'NIMCache', { name, namespace: serving.member.namespace })
    if (cache !== undefined) return checkServing(serving, cache)
    return ofKind(members, 'NIMCache').some(other => other.name === name) ? [elsewhere(serving, name)] : []
  })
}

function servings(members: readonly Member[]): Serving[] {
  const alone = ofKind(members, 'NIMService').map(member => ({
    member,
    spec: objectAt(member.object, 'spec'),
    path: 'spec',
  }))
  const piped = ofKind(members, 'NIMPipeline').flatMap(member =>
    listAt(member.object, 'spec', 'services').map((service, index) => ({
      member,
      spec: objectAt(service, 'spec'),
      path: `spec.services[${index}].spec`,
    })),
  )
  return [...alone, ...piped]
}

function elsewhere({ member, path }: Serving, name: string): ObjectFinding {
  return report(member, 'fails', {
    rule: 'cache-in-other-namespace',
    path: `${path}.storage.nimCache.name`,
    message: `NIMCache ${name} is in another namespace of the file, and is looked for in this one`,
  })
}

function checkServing(serving: Serving, cache: Member): ObjectFinding[] {
  return [...checkProfile(serving, cache), ...checkAccess(serving, cache)]
}

function checkProfile({ member, spec, path }: Serving, cache: Member): ObjectFinding[] {
  const profile = textAt(spec, 'storage', 'nimCache', 'profile')
  const cached = profilesOf(cache)
  const isAll = cached.includes('all')
  const place = `${path}.storage.nimCache.profile`
  if (profile !== '' && cached.length > 0 && !isAll && !cached.includes(profile))
    return [
      report(member, 'fails', {
        rule: 'profile-not-cached',
        path: place,
        message: `${profile} is not among the profiles of NIMCache ${cache.name}: ${cached.join(', ')}`,
      }),
    ]
  const hasGpus = ['limits', 'requests'].some(map => at(spec, 'resources', map, gpuResource) !== undefined)
  if (!isAll || profile === '' || hasGpus || listAt(spec, 'draResources').length > 0) return []
  return [
    report(member, 'fails', {
      rule: 'no-gpu-from-all',
      path: `${path}.resources`,
      message: `must ask for ${gpuResource}: NIMCache ${cache.name} caches all, which leaves nothing to count GPUs from`,
    }),
  ]
}

function checkAccess({ member, spec, path }: Serving, cache: Member): ObjectFinding[] {
  const mode = textAt(cache.object, 'spec', 'storage', 'pvc', 'volumeAccessMode')
  const pods = podCount(spec)
  if (pods < 2 || !['ReadWriteOnce', 'ReadWriteOncePod'].includes(mode)) return []
  return [
    report(member, 'warning', {
      rule: 'one-node-cache',
      path: `${path}.storage.nimCache.name`,
      message: `NIMCache ${cache.name} is ${mode}, for one node, and there may be ${pods} pods: use ReadWriteMany, where a storage class offers it`,
    }),
  ]
}
