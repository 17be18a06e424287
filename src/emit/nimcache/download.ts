import { checkReferredName } from '../../operator/names.ts'
import type { HubSource, NgcSource, NimCache } from '../../operator/objects.ts'
import { isFrom } from '../../operator/versions.ts'
import type { ProfileChoice } from '../../profiles/choice.ts'
import { NimctlError } from '../../system/errors.ts'
import { nimImage } from '../nim-image.ts'
import { emitted, joined, type Comment, type EmitResult } from '../result.ts'
import { emitNimCacheObject, type NimCachePlace } from './object.ts'
import { type KnownProfiles, modelFields } from './profiles.ts'

export const downloadSources = ['ngc', 'hf', 'datastore'] as const

export type DownloadSource = (typeof downloadSources)[number]

/** A NIMCache that asks somebody else for its files: nothing needs to have been uploaded. */
export interface NimCacheDownloadRequest extends NimCachePlace {
  source: DownloadSource
  /** The image that downloads: the NIM, or one with the client of the hub. */
  modelPuller: string | undefined
  /** With NGC_API_KEY, or HF_TOKEN. */
  authSecret: string | undefined
  /** Of NGC. */
  choice: ProfileChoice
  known: KnownProfiles
  /** Of a universal NIM: the repository of its model, instead of profiles. */
  modelEndpoint?: string
  /** Of a hub: `NAMESPACE/NAME`, one of them. */
  model?: string
  dataset?: string
  revision?: string
  endpoint?: string
}

/** @throws NimctlError `usage` with everything that can't go together. */
export function emitNimCacheDownload(request: NimCacheDownloadRequest): EmitResult {
  const { reference: modelPuller, warnings } = nimImage(requirePuller(request), request)
  const authSecret = requireAuthSecret(request)
  const parts = { modelPuller, authSecret }
  const { source, ...surroundings } = request.source === 'ngc' ? ngcSource(request, parts) : hubSource(request, parts)
  const object = emitNimCacheObject(request, {
    source,
    env: [],
    bytes: undefined,
    comments: [outsideComment(request.source)],
    withoutGpu: request.source !== 'ngc',
  })
  return joined(object, surroundings, emitted({ warnings, prerequisites: [secretPrerequisite(request, authSecret)] }))
}

type Source = EmitResult & { source: NimCache['spec']['source'] }
type Parts = Pick<NgcSource, 'modelPuller' | 'authSecret'>

function ngcSource(request: NimCacheDownloadRequest, parts: Parts): Source {
  refuseFlags(request, {
    '--model': request.model,
    '--dataset': request.dataset,
    '--revision': request.revision,
    '--endpoint': request.endpoint,
  })
  const { pullSecret, modelEndpoint, choice, known } = request
  const puller = { ...parts, ...(pullSecret !== undefined && { pullSecret }) }
  if (modelEndpoint === undefined) {
    const { model, ...surroundings } = modelFields(choice, known)
    return { ...surroundings, source: { ngc: { ...puller, model } } }
  }
  if (Object.values(choice).some(value => value !== undefined)) throw endpointAndChoice()
  return { ...emitted({}), source: { ngc: { ...puller, modelEndpoint } } }
}

/** As people know it; a Data Store has no usual address. */
const huggingFace = 'https://huggingface.co'

/** The CRD's own default of a Data Store. */
const usualNamespace = 'default'

function hubSource(request: NimCacheDownloadRequest, parts: Parts): Source {
  const { source, model, dataset, revision, endpoint, pullSecret, choice, modelEndpoint } = request
  refuseFlags(request, { '--model-endpoint': modelEndpoint })
  if (Object.values(choice).some(value => value !== undefined)) throw choiceOfHub()
  if ((model === undefined) === (dataset === undefined)) throw modelOrDataset()
  if (pullSecret === undefined) throw pullSecretRequired(source)
  const { namespace, name } = parseName(model ?? dataset ?? '', source)
  const hub: HubSource = {
    endpoint: checkedEndpoint(source, endpoint),
    namespace,
    ...(model === undefined ? { datasetName: name } : { modelName: name }),
    ...(revision !== undefined && { revision }),
    ...parts,
    pullSecret,
  }
  const warnings = isFrom(request.operatorVersion, '3.1.1') ? datasetWarnings(request) : [clientWarning]
  return { ...emitted({ warnings }), source: source === 'hf' ? { hf: hub } : { dataStore: hub } }
}

function parseName(text: string, source: DownloadSource): { namespace: string; name: string } {
  const [, given, name] = /^(?:([\w.-]+)\/)?([\w.-]+)$/.exec(text) ?? []
  const namespace = given ?? (source === 'datastore' ? usualNamespace : undefined)
  if (name !== undefined && namespace !== undefined) return { namespace, name }
  throw new NimctlError('usage', 'HUB_NAME_INVALID', {
    what: `"${text}" is no name of a hub.`,
    why: 'The operator wants a namespace and a name.',
    next: 'Such as: --model meta-llama/Llama-3.2-1B-Instruct',
  })
}

/** The patterns of the CRD. */
function checkedEndpoint(source: DownloadSource, endpoint: string | undefined): string {
  const text = endpoint ?? (source === 'hf' ? huggingFace : '')
  const pattern = source === 'hf' ? /^https?:\/\/.+$/ : /^https?:\/\/.+\/v1\/hf\/?$/
  if (pattern.test(text)) return text
  throw new NimctlError('usage', 'HUB_ENDPOINT_INVALID', {
    what: text === '' ? 'Nothing says where the Data Store is.' : `"${text}" is no address of the hub.`,
    next:
      source === 'hf'
        ? `Such as: --endpoint ${huggingFace}`
        : 'Its address ends in /v1/hf: --endpoint http://nemo-data-store.nemo:3000/v1/hf',
  })
}

const clientWarning = 'Before operator 3.1.1 the Job runs huggingface-cli, which the image of --model-puller must have.'

/** reference/operator.md, section 3: GetHFUri reads the name of a model, and there is none. */
function datasetWarnings({ dataset }: NimCacheDownloadRequest): string[] {
  if (dataset === undefined) return []
  return [
    'With a dataset the image of --model-puller must have a model manifest, and no NIMService may stand on this ' +
      'NIMCache: from 3.1.1 on the operator reads the name of a model, and fails without one.',
  ]
}

function outsideComment(source: DownloadSource): Comment {
  const what = { ngc: 'NGC', hf: 'the hub', datastore: 'the Data Store' }[source]
  const field = { ngc: 'ngc', hf: 'hf', datastore: 'dataStore' }[source]
  const text = `Asks ${what} for the files: the Job must reach it, through a proxy where there is one.`
  return { kind: 'NIMCache', path: ['spec', 'source', field], text }
}

function secretPrerequisite({ source, namespace }: NimCacheDownloadRequest, name: string): string {
  const key = source === 'ngc' ? 'NGC_API_KEY' : 'HF_TOKEN'
  const place = namespace === undefined ? '' : ` -n ${namespace}`
  return `Secret ${name}: kubectl create secret generic ${name}${place} --from-env-file=FILE, where FILE has the line ${key}=…`
}

function requirePuller({ modelPuller, source }: NimCacheDownloadRequest): string {
  if (modelPuller !== undefined) return modelPuller
  throw new NimctlError('usage', 'MODEL_PULLER_REQUIRED', {
    what: 'Nothing says which image downloads the model.',
    why: source === 'ngc' ? 'A NIM downloads its own model.' : 'It is an image that has the client of the hub.',
    next: source === 'ngc' ? 'Name the NIM: --image IMAGE' : 'Such as: --model-puller nvcr.io/nim/nvidia/llm-nim:1.12',
  })
}

function requireAuthSecret({ authSecret, source }: NimCacheDownloadRequest): string {
  if (authSecret === undefined)
    throw new NimctlError('usage', 'AUTH_SECRET_REQUIRED', {
      what: `A NIMCache of source ${source} names the Secret with its ${source === 'ngc' ? 'key' : 'token'}.`,
      why: 'The CRD wants one, and the Job takes all of it into its environment.',
      next: source === 'ngc' ? 'Name it: --auth-secret ngc-api-secret' : 'Name it: --auth-secret hf-secret',
    })
  checkReferredName('Secret', authSecret)
  return authSecret
}

function refuseFlags({ source }: NimCacheDownloadRequest, flags: Record<string, string | undefined>): void {
  const idle = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag]))
  if (idle.length === 0) return
  throw new NimctlError('usage', 'SOURCE_FLAGS_IDLE', {
    what: `${idle.join(', ')} ${idle.length === 1 ? 'is' : 'are'} of another source than ${source}.`,
    next:
      source === 'ngc'
        ? 'Add --source hf or --source datastore, or leave them out.'
        : 'Leave them out, or take --source ngc.',
  })
}

function endpointAndChoice(): NimctlError {
  return new NimctlError('usage', 'PROFILE_CHOICE_CONFLICT', {
    what: '--model-endpoint and flags that choose profiles exclude each other.',
    why: 'The CRD takes model or modelEndpoint: a universal NIM has its model from the endpoint.',
    next: 'Leave out one of them.',
  })
}

function choiceOfHub(): NimctlError {
  return new NimctlError('usage', 'PROFILE_CHOICE_CONFLICT', {
    what: 'What comes from a hub has no profiles to choose from.',
    why: 'Profiles are those of an image at NGC.',
    next: 'Leave the choosing flags out, or take --source ngc.',
  })
}

function modelOrDataset(): NimctlError {
  return new NimctlError('usage', 'HUB_NAME_INVALID', {
    what: 'A NIMCache of a hub holds one model or one dataset.',
    why: 'The CRD takes modelName or datasetName, one of them.',
    next: 'Such as: --model meta-llama/Llama-3.2-1B-Instruct',
  })
}

function pullSecretRequired(source: DownloadSource): NimctlError {
  return new NimctlError('usage', 'PULL_SECRET_REQUIRED', {
    what: `A NIMCache of source ${source} names a Secret for the registry of its image.`,
    why: 'The CRD wants one here, also where the registry asks for none.',
    next: 'Name it: --pull-secret registry',
  })
}
