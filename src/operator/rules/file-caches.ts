import { type ManifestProfiles, profilesOfConfigMap } from '../manifest-config-map.ts'
import { manifestKey, namesOfNimCache } from '../names.ts'
import { at, textAt, textsAt } from '../plain.ts'
import { find, ofKind, reportingOn, type Member, type ObjectFinding } from './member.ts'

const report = reportingOn('reference/kubernetes.md, "The real NIM Operator": seen on a cluster')

/** A NIMCache with what else of it is in the file: its ConfigMap with the model manifest, and its pull secret. */
export function checkCaches(members: readonly Member[]): ObjectFinding[] {
  return [
    ...ofKind(members, 'NIMCache').flatMap(cache => checkManifest(cache, members)),
    ...members.flatMap(member => checkPullSecrets(member, members)),
  ]
}

/** The profiles of the ConfigMap that replaces the manifest probe of a NIMCache. */
export function manifestOf(cache: Member, members: readonly Member[]): ManifestProfiles | undefined {
  const name = namesOfNimCache(cache.name).manifestConfigMap
  const configMap = find(members, 'ConfigMap', { name, namespace: cache.namespace })
  return configMap && profilesOfConfigMap(configMap.object)
}

/** Explicit ids are never looked up by the operator: a NIMCache with one that isn't there becomes Ready all the same. */
function checkManifest(cache: Member, members: readonly Member[]): ObjectFinding[] {
  const name = namesOfNimCache(cache.name).manifestConfigMap
  const configMap = find(members, 'ConfigMap', { name, namespace: cache.namespace })
  if (configMap === undefined) return []
  const known = profilesOfConfigMap(configMap.object)
  if (known === undefined)
    return [
      report(configMap, 'fails', {
        rule: 'manifest-unreadable',
        path: `data["${manifestKey}"]`,
        message: `must be a model manifest: NIMCache ${cache.name} reads it instead of asking the image`,
      }),
    ]
  return profilesOf(cache).flatMap((profile, index) =>
    profile === 'all' || known.has(profile)
      ? []
      : [
          report(cache, 'fails', {
            rule: 'profile-not-in-manifest',
            path: `spec.source.ngc.model.profiles[${index}]`,
            message: `${profile} is not in ConfigMap ${name}, which has ${[...known.keys()].join(', ')}; the operator does not look`,
          }),
        ],
  )
}

export function profilesOf(cache: Member): string[] {
  return textsAt(cache.object, 'spec', 'source', 'ngc', 'model', 'profiles')
}

function checkPullSecrets(member: Member, members: readonly Member[]): ObjectFinding[] {
  return pullSecretsOf(member).flatMap(({ path, name }) => {
    const secret = find(members, 'Secret', { name, namespace: member.namespace })
    if (secret === undefined || at(secret.object, 'type') === 'kubernetes.io/dockerconfigjson') return []
    return [
      report(member, 'fails', {
        rule: 'pull-secret-type',
        path,
        message: `Secret ${name} must be of type kubernetes.io/dockerconfigjson to be a pull secret`,
      }),
    ]
  })
}

function pullSecretsOf({ kind, object }: Member): { path: string; name: string }[] {
  if (kind === 'NIMCache')
    return ['ngc', 'hf', 'dataStore']
      .map(source => ({
        path: `spec.source.${source}.pullSecret`,
        name: textAt(object, 'spec', 'source', source, 'pullSecret'),
      }))
      .filter(({ name }) => name !== '')
  if (kind !== 'NIMService' && kind !== 'NIMBuild') return []
  return textsAt(object, 'spec', 'image', 'pullSecrets').map((name, index) => ({
    path: `spec.image.pullSecrets[${index}]`,
    name,
  }))
}
