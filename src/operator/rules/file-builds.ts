import { at, type Plain, textAt } from '../plain.ts'
import { manifestOf, profilesOf } from './file-caches.ts'
import { find, ofKind, reportingOn, type Member, type ObjectFinding } from './member.ts'
import { gpuResource } from './nimservice-gpus.ts'

const report = reportingOn(
  'k8s-nim-operator internal/controller/nimbuild_controller.go; reference/operator.md, section 5',
)

/** A NIMBuild on a NIMCache of the same file. */
export function checkBuilds(members: readonly Member[]): ObjectFinding[] {
  return ofKind(members, 'NIMBuild').flatMap(build => {
    const name = textAt(build.object, 'spec', 'nimCache', 'name')
    const cache = find(members, 'NIMCache', { name, namespace: build.namespace })
    return cache === undefined ? [] : checkBuild(build, cache, members)
  })
}

function checkBuild(build: Member, cache: Member, members: readonly Member[]): ObjectFinding[] {
  return [
    report(build, 'warning', {
      rule: 'build-own-stage',
      path: '',
      message: `goes to Failed and stays there unless NIMCache ${cache.name} is Ready: apply it afterwards, from a file of its own`,
    }),
    ...checkSource(build, cache),
    ...checkImage(build, cache),
    ...checkProfile(build, cache, members),
  ]
}

function checkSource(build: Member, cache: Member): ObjectFinding[] {
  const path = 'spec.nimCache.name'
  if (at(cache.object, 'spec', 'source', 'ngc') === undefined)
    return [
      report(build, 'fails', {
        rule: 'build-needs-ngc',
        path,
        message: `NIMCache ${cache.name} must have source ngc: the operator takes its authSecret without looking`,
      }),
    ]
  if (!profilesOf(cache).includes('all')) return []
  return [
    report(build, 'fails', {
      rule: 'build-needs-named-profiles',
      path,
      message: `NIMCache ${cache.name} must name its profiles: one with all has no status.profiles to build from`,
    }),
  ]
}

function checkImage(build: Member, cache: Member): ObjectFinding[] {
  const image = `${textAt(build.object, 'spec', 'image', 'repository')}:${textAt(build.object, 'spec', 'image', 'tag')}`
  const puller = textAt(cache.object, 'spec', 'source', 'ngc', 'modelPuller')
  if (puller === '' || puller === image) return []
  return [
    report(build, 'warning', {
      rule: 'build-image-differs',
      path: 'spec.image',
      message: `${image} is not the image of NIMCache ${cache.name}, ${puller}: an engine is built by the NIM that was cached`,
    }),
  ]
}

function checkProfile(build: Member, cache: Member, members: readonly Member[]): ObjectFinding[] {
  const path = 'spec.nimCache.profile'
  const profile = textAt(build.object, 'spec', 'nimCache', 'profile')
  const cached = profilesOf(cache)
  if (profile !== '' && cached.length > 0 && !cached.includes(profile))
    return [
      report(build, 'fails', {
        rule: 'build-profile-not-cached',
        path,
        message: `${profile} is not among the profiles of NIMCache ${cache.name}: ${cached.join(', ')}`,
      }),
    ]
  const tags = manifestOf(cache, members)
  if (tags === undefined) return []
  const buildable = cached.filter(id => at(tags.get(id), 'trtllm_buildable') === 'true')
  if (profile === '' ? buildable.length === 1 : buildable.includes(profile))
    return checkGpus(build, tags.get(profile || (buildable[0] ?? '')) ?? {})
  return [
    report(build, 'fails', { rule: 'build-profile-not-buildable', path, message: unbuildable(profile, buildable) }),
  ]
}

function unbuildable(profile: string, buildable: readonly string[]): string {
  if (buildable.length === 0) return 'finds no profile with tag trtllm_buildable in the NIMCache'
  const choice = `buildable are ${buildable.join(', ')}`
  return profile === '' ? `must name one profile: ${choice}` : `${profile} has no tag trtllm_buildable; ${choice}`
}

/** With a count in the tags the operator sets the GPUs itself, and takes no other; without one it needs them. */
function checkGpus(build: Member, tags: Plain): ObjectFinding[] {
  const parallelism = textAt(tags, 'tensorParallelism') || textAt(tags, 'tp')
  const given = at(build.object, 'spec', 'resources', 'requests', gpuResource) !== undefined
  if ((parallelism !== '') !== given) return []
  return [
    report(build, 'fails', {
      rule: 'build-gpus',
      path: `spec.resources.requests["${gpuResource}"]`,
      message: given
        ? `must be left out: the profile's tags say ${parallelism}, and the operator takes no second count`
        : "must be given: the profile's tags don't say how many GPUs",
    }),
  ]
}
