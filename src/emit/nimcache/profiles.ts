import type { InventoryProfile } from '../../inventory/inventory.ts'
import { type ManifestParser, matchProfile } from '../../operator/match-profiles.ts'
import { passedOver } from '../../operator/model-spec.ts'
import type { ModelFields } from '../../operator/objects.ts'
import { checkChoice, isNamed, type ProfileChoice } from '../../profiles/choice.ts'
import { choiceConditions } from '../../profiles/conditions.ts'
import { findProfile } from '../../profiles/find-profile.ts'
import { manifestProfile } from '../../profiles/manifest-listing.ts'
import { isProfileId } from '../../profiles/profile-id.ts'
import { selectProfiles } from '../../profiles/select.ts'
import { NimctlError } from '../../system/errors.ts'
import { emitted, type EmitResult } from '../result.ts'

/** Which profiles an image offers; absent: nobody knows. */
export interface KnownProfiles {
  profiles?: readonly InventoryProfile[]
  /** How the operator reads their manifest; absent: it can't. */
  parser?: ManifestParser
}

/**
 * Those of an upload, as `nimctl cache` would choose them; all where nothing is asked.
 *
 * @throws NimctlError as `selectProfiles` does.
 */
export function chosenProfiles(profiles: readonly InventoryProfile[], choice: ProfileChoice): InventoryProfile[] {
  const listed = profiles.map(({ description = '', ...profile }) => ({
    ...manifestProfile({ ...profile, files: [] }),
    description,
  }))
  const selected = selectProfiles({ source: 'manifest', gpus: [], warnings: [], profiles: listed }, choice).profiles
  return profiles.filter(({ id }) => selected.some(profile => profile.id === id && profile.selected))
}

/**
 * What the operator is told to cache from NGC: ids, which nobody else checks (reference/kubernetes.md, "The real NIM
 * Operator"), or fields by which it chooses itself.
 *
 * @throws NimctlError `usage` / `PROFILE_CHOICE_REQUIRED`, `PROFILE_CHOICE_CONFLICT`, `PROFILE_UNCHECKED`,
 * `QOS_UNSUPPORTED`, `MANIFEST_UNREADABLE`; `not-found` / `PROFILE_UNKNOWN`, `PROFILES_NONE_MATCH`.
 */
export function modelFields(choice: ProfileChoice, known: KnownProfiles): EmitResult & { model: ModelFields } {
  const conditions = choiceConditions(choice).map(({ flag }) => flag)
  checkChoice(choice, conditions)
  if (choice.all === true) return { ...emitted({ warnings: [allWarning] }), model: { profiles: ['all'] } }
  if (isNamed(choice)) return named(choice.profiles ?? [], known)
  if (conditions.length === 0) return onlyOne(known)
  const model = fieldsOf(choice)
  return { ...emitted({ warnings: matchWarnings(model, known, conditions) }), model }
}

/** reference/operator.md, section 3, "status.profiles". */
const allWarning =
  'With all profiles the operator notes none in status.profiles: no NIMBuild can use this NIMCache. Name them with --profile.'

function named(names: readonly string[], { profiles }: KnownProfiles): EmitResult & { model: ModelFields } {
  if (profiles !== undefined) {
    const ids = names.map(name => findProfile(profiles, name).id)
    return { ...emitted({}), model: { profiles: [...new Set(ids)] } }
  }
  const beginning = names.find(name => !isProfileId(name))
  if (beginning !== undefined) throw unchecked(beginning)
  const warning = 'Nobody has checked that the image offers these profiles: give its list with --manifest FILE.'
  return { ...emitted({ warnings: [warning] }), model: { profiles: [...new Set(names)] } }
}

/** Without a choice the operator takes all that match its GPUs, with version 1 of every GPU. */
function onlyOne({ profiles = [] }: KnownProfiles): EmitResult & { model: ModelFields } {
  const [only, second] = profiles
  if (only !== undefined && second === undefined) return { ...emitted({}), model: { profiles: [only.id] } }
  throw new NimctlError('usage', 'PROFILE_CHOICE_REQUIRED', {
    what: 'Nothing says which profiles the NIMCache is to hold.',
    why: 'Left to itself the operator downloads every one that fits, often all of them for every GPU.',
    next: 'Name them with --profile, choose with flags such as --gpu L40S --engine tensorrt_llm, or take --all',
  })
}

function fieldsOf({ gpus, tp, engine, precision, qos, lora, buildable }: ProfileChoice): ModelFields {
  if (qos === 'balanced') throw balanced()
  return {
    ...(precision !== undefined && { precision }),
    ...(engine !== undefined && { engine }),
    ...(tp !== undefined && { tensorParallelism: String(tp) }),
    ...(qos !== undefined && { qosProfile: qos }),
    ...(gpus !== undefined && {
      gpus: gpus.map(({ product, pciIds }) => ({ product, ...(pciIds.length > 0 && { ids: [...pciIds] }) })),
    }),
    ...(lora !== undefined && { lora }),
    ...(buildable !== undefined && { buildable }),
  }
}

/** Does the operator's own matching, where the profiles are known: what it would find, and what it would ignore. */
function matchWarnings(
  model: ModelFields,
  { profiles, parser }: KnownProfiles,
  conditions: readonly string[],
): string[] {
  if (profiles === undefined)
    return ['Nobody has checked that a profile matches: give the list of the image with --manifest FILE.']
  if (parser === undefined) throw unreadable()
  const matched = profiles.filter(({ tags }) => matchProfile(tags, model, { parser, nodeGpus: [] }).matched)
  if (matched.length === 0) throw noneMatch(conditions)
  return [
    `The operator would cache ${matched.length} of ${profiles.length} profiles: ${matched.map(({ id }) => id).join(', ')}.`,
    ...passedOver(model, { parser, nodeGpus: [] }),
  ]
}

function unchecked(name: string): NimctlError {
  return new NimctlError('usage', 'PROFILE_UNCHECKED', {
    what: `"${name}" is no whole id, and nothing says which profiles there are.`,
    next: 'Give all of the id, or the list with --manifest FILE: nimctl profiles IMAGE --json > profiles.json',
  })
}

function balanced(): NimctlError {
  return new NimctlError('usage', 'QOS_UNSUPPORTED', {
    what: 'The NIM Operator chooses no profiles by --qos balanced.',
    why: "Its webhook takes latency and throughput alone, and its matching finds nothing where an image doesn't say it.",
    next: 'Name the profiles: nimctl profiles IMAGE --qos balanced --ids, each with --profile',
  })
}

function unreadable(): NimctlError {
  return new NimctlError('usage', 'MANIFEST_UNREADABLE', {
    what: 'The NIM Operator can not read the model manifest of this image, or the list is none.',
    why: 'It chooses by the tags that stand there.',
    next: 'Name the profiles with --profile',
  })
}

function noneMatch(conditions: readonly string[]): NimctlError {
  return new NimctlError('not-found', 'PROFILES_NONE_MATCH', {
    what: `The NIM Operator would choose no profile by ${conditions.join(' ')}.`,
    why: 'The NIMCache would stay NotReady: "no profiles are selected for caching".',
    next: 'See what there is, and why it does not match: nimctl profiles --file MANIFEST --spec NIMCACHE.yaml --explain',
  })
}
