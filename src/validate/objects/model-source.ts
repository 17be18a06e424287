import { hostsIn, placeOfHost } from '../../nim/outside.ts'
import { read, textAt } from '../../system/json.ts'
import type { Remark } from './remark.ts'
import { containersOf, imagesOf, isFields, listAt, mainVariables, type Variable, type Workload } from './workload.ts'

type Variables = ReadonlyMap<string, Variable>

/** Where the files of the model come from, and whether that is outside. */
export function remarksOnModelSource(workload: Workload): Remark[] {
  const variables = mainVariables(workload)
  switch (workload.form) {
    case 'nimcache':
      return [...remarksOnCacheSource(workload, variables)]
    case 'nimservice':
      return [
        ...remarksOnModelVariables(variables),
        ...remarksOnServiceStorage(workload, variables),
        ...remarksOnProfile(workload, variables),
      ]
    case 'pod':
      return [
        ...remarksOnModelVariables(variables),
        ...remarksOnPodStorage(workload, variables),
        ...remarksOnStorageUri(workload),
      ]
    case 'nimbuild':
      return []
  }
}

const ngcPublic = 'the NIM downloads from NGC'

function remarksOnCacheSource({ path, spec }: Workload, variables: Variables): Remark[] {
  const source = `${path}.source`
  if (read(spec, 'source', 'ngc') !== undefined) return fromNgc(spec, `${source}.ngc`, variables)
  return ['hf', 'dataStore'].flatMap(hub => {
    const endpoint = textAt(spec, 'source', hub, 'endpoint')
    if (endpoint === undefined || !isOutside(endpoint)) return []
    if (isFilledFromInside(variables) || isInsideUrl(variables.get('HF_ENDPOINT')?.value)) return []
    return [
      outside(`${source}.${hub}.endpoint`, endpoint, {
        spec,
        next: 'Name a hub inside; or carry the model in: nimctl cache and nimctl upload, then nimctl emit nimcache.',
      }),
    ]
  })
}

function fromNgc(spec: unknown, path: string, variables: Variables): Remark[] {
  if (isFilledFromInside(variables)) return []
  const endpoint = textAt(spec, 'source', 'ngc', 'modelEndpoint')
  const found = endpoint === undefined ? ngcPublic : `${ngcPublic}: ${endpoint}`
  return [
    outside(endpoint === undefined ? path : `${path}.modelEndpoint`, found, {
      spec,
      next: 'Let it read an uploaded cache (nimctl emit nimcache), or a bucket of layout ngc: env NIM_REPOSITORY_OVERRIDE=s3://BUCKET/.',
    }),
  ]
}

/** By NIM's own override, a mirror of NGC, or nimctl's loader. */
function isFilledFromInside(variables: Variables): boolean {
  if (variables.get('NIMCTL_CACHE_URL')?.value) return true
  const override = variables.get('NIM_REPOSITORY_OVERRIDE')?.value ?? ''
  if (override !== '' && !isOutside(override.replace(/^jfrog:/, 'https:'))) return true
  return isInsideUrl(variables.get('NGC_API_ENDPOINT')?.value)
}

/** A mirror's address stands with or without a scheme. */
function isInsideUrl(address: string | undefined): boolean {
  if (address === undefined || address === '') return false
  const url = address.includes('://') ? address : `https://${address}`
  return URL.canParse(url) && placeOfHost(new URL(url).hostname) !== 'outside'
}

/** The operator's documentation leads through a proxy where there is one: then it is no fault, but no air gap either. */
function outside(path: string, found: string, { spec, next }: { spec: unknown; next: string }): Remark {
  const proxy = textAt(spec, 'proxy', 'httpsProxy') ?? textAt(spec, 'proxy', 'httpProxy')
  return {
    name: 'objects.model-source',
    status: proxy === undefined ? 'failed' : 'warning',
    path,
    expected: 'a source inside',
    found: proxy === undefined ? found : `${found}, through a proxy`,
    next,
  }
}

function isOutside(url: string): boolean {
  return hostsIn(url).some(host => placeOfHost(host) === 'outside')
}

const modelVariables = ['NIM_MODEL_NAME', 'NIM_MODEL_PATH', 'NIM_DRAFT_MODEL_PATH', 'STORAGE_URI']

function remarksOnModelVariables(variables: Variables): Remark[] {
  return modelVariables.flatMap(name => {
    const { path, value = '' } = variables.get(name) ?? {}
    if (path === undefined) return []
    const hub = /^(?:hf|modelscope):\/\//.test(value) && !isInsideUrl(variables.get('HF_ENDPOINT')?.value)
    const ngc = value.startsWith('ngc://') && !isFilledFromInside(variables)
    return hub || ngc || isOutside(value) ? [modelOutside(path, value)] : []
  })
}

function modelOutside(path: string, value: string): Remark {
  return {
    name: 'objects.model-source',
    status: 'failed',
    path,
    expected: 'a directory of the cache, or a source inside',
    found: value,
    next: 'Fill a volume with nimctl download, and name the directory in it.',
  }
}

/** A volume that begins empty is filled by an init container, or from outside. */
function remarksOnServiceStorage(workload: Workload, variables: Variables): Remark[] {
  const { path, spec } = workload
  const storage = read(spec, 'storage')
  const fresh = [
    ...(isFields(read(storage, 'emptyDir')) ? ['emptyDir'] : []),
    ...(read(storage, 'pvc', 'create') === true ? ['pvc'] : []),
  ]
  if (read(storage, 'nimCache', 'name') || listAt(spec, 'initContainers').length > 0 || isFilledFromInside(variables))
    return []
  return fresh.map(kind => ({
    name: 'objects.empty-storage',
    status: 'failed',
    path: `${path}.storage.${kind}`,
    expected: 'a filled volume',
    found: kind === 'pvc' ? 'a new claim, which is empty' : 'an empty directory in each pod',
    next: 'Serve from a NIMCache or a filled claim, or let an init container fill it: nimctl emit stack.',
  }))
}

const profileVariables = ['NIM_MODEL_PROFILE', 'NIM_MANIFEST_PROFILE', 'NIM_TAGS_SELECTOR']

/** Where the model is a directory of its own, there is nothing to choose. */
const directModels = ['NIM_MODEL_NAME', 'NIM_MODEL_PATH']

function remarksOnProfile({ path, spec }: Workload, variables: Variables): Remark[] {
  const pinned =
    textAt(spec, 'storage', 'nimCache', 'profile') !== undefined ||
    [...profileVariables, ...directModels].some(name => {
      const variable = variables.get(name)
      return variable !== undefined && variable.value !== ''
    })
  if (pinned) return []
  const cached = textAt(spec, 'storage', 'nimCache', 'name') !== undefined
  return [
    {
      name: 'objects.profile',
      status: 'warning',
      path: cached ? `${path}.storage.nimCache` : path,
      expected: 'a profile by its id',
      found: 'none: the NIM chooses when it starts, and may hang where NGC does not answer',
      next: cached ? `Set ${path}.storage.nimCache.profile.` : `Set NIM_MODEL_PROFILE in ${path}.env.`,
    },
  ]
}

/** A NIM of a plain pod: its image lies where NVIDIA's lie, or a profile is named. */
function isNim(workload: Workload, variables: Variables): boolean {
  return imagesOf(workload).some(({ image }) => /(?:^|\/)nim\//.test(image)) || variables.has('NIM_MODEL_PROFILE')
}

/** Programs of a NIM's image that end, and serve nothing. */
const utilities = /\b(?:list-model-profiles|download-to-cache|create-model-store)\b/

function remarksOnPodStorage(workload: Workload, variables: Variables): Remark[] {
  const mains = containersOf(workload).filter(({ role }) => role === 'main')
  if (
    !isNim(workload, variables) ||
    listAt(workload.spec, 'initContainers').length > 0 ||
    isFilledFromInside(variables)
  )
    return []
  return mains.flatMap(({ path, fields }) => {
    const words = [...listAt(fields, 'command'), ...listAt(fields, 'args')].join(' ')
    if (utilities.test(words) || listAt(fields, 'volumeMounts').some(mount => isLasting(workload.spec, mount)))
      return []
    if (isFilledByKserve(workload, variables)) return []
    return [
      {
        name: 'objects.empty-storage',
        status: 'failed',
        path,
        expected: 'a mounted volume with the cache',
        found: 'none: the NIM downloads when it starts',
        next: 'Mount a filled claim at NIM_CACHE_PATH: nimctl emit pod shows how.',
      },
    ]
  })
}

/** What an InferenceService names is mounted there, in the containers of its runtime too. */
function isFilledByKserve({ spec }: Workload, variables: Variables): boolean {
  const inMounted = [...variables.values()].some(({ value }) => value?.startsWith('/mnt/models'))
  return inMounted || read(spec, 'model', 'storageUri') !== undefined
}

function isLasting(spec: unknown, mount: unknown): boolean {
  const volume = listAt(spec, 'volumes').find(candidate => read(candidate, 'name') === read(mount, 'name'))
  return (
    volume !== undefined &&
    read(volume, 'emptyDir') === undefined &&
    !['configMap', 'secret', 'projected', 'downwardAPI'].some(kind => read(volume, kind) !== undefined)
  )
}

function remarksOnStorageUri({ path, spec }: Workload): Remark[] {
  const uri = textAt(spec, 'model', 'storageUri')
  if (uri === undefined || !(uri.startsWith('hf://') || isOutside(uri))) return []
  return [modelOutside(`${path}.model.storageUri`, uri)]
}
