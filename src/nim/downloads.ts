import { nimEnvironment } from './environment.ts'
import { cacheMount, downloadUtilities, type NimFamily, type Utility } from './families.ts'

/** What is to be downloaded with an image. */
export type Download =
  /** Into a hub tree, by `download-to-cache`. */
  | { form: 'hub'; profileIds: readonly string[] | 'all' }
  /** One profile as plain files, by `create-model-store`. */
  | { form: 'flat'; profileId: string }
  /** What a native image holds: the models of these names, or its usual one where none is given. */
  | { form: 'native'; models: readonly string[] }
  /** With a universal image: the model of a repository, as plain files. */
  | { form: 'endpoint'; endpoint: string }
  /** With a model-free image: a model of a hub, such as `hf://namespace/name`. */
  | { form: 'uri'; uri: string }

/** One container of a download. Plain facts: Docker and a Kubernetes Job are made of the same. */
export interface DownloadRun {
  /** Its starts, to be tried in this order where an image lacks the program. */
  utilities: Utility[]
  env: Record<string, string>
  /** Where the directory to be filled is mounted. */
  target: string
  /**
   * Where a directory for the download itself is mounted: `create-model-store` fills a hub tree first and copies out of
   * it (reference/nim.md 1.1). It can go once the copy is checked.
   */
  scratch?: string
}

/** Where the NIM Operator mounts what is no hub tree of NGC (reference/operator.md 3). */
const modelStore = '/model-store'

/** The containers of a download, to be run one after the other (reference/nim.md 1.2 to 1.5, reference/operator.md 3). */
export function downloadRuns(family: NimFamily, download: Download): DownloadRun[] {
  switch (download.form) {
    case 'hub':
      return [
        {
          utilities: downloadUtilities(family, download.profileIds),
          env: { [nimEnvironment.cachePath]: cacheMount[family] },
          target: cacheMount[family],
        },
      ]
    case 'flat':
      return [modelStoreRun(['--profile', download.profileId])]
    case 'endpoint':
      return [modelStoreRun(['--model-repo', download.endpoint])]
    case 'uri':
      return [uriRun(download.uri)]
    case 'native':
      return download.models.length === 0 ? [nativeRun({})] : download.models.map(model => nativeRun(namedModel(model)))
  }
}

function modelStoreRun(model: string[]): DownloadRun {
  return {
    utilities: [{ command: ['create-model-store', ...model, '--model-store', modelStore] }],
    env: { [nimEnvironment.cachePath]: cacheMount.universal },
    target: modelStore,
    scratch: cacheMount.universal,
  }
}

function uriRun(uri: string): DownloadRun {
  const manifestFile = `${modelStore}/model_manifest.json`
  return {
    utilities: [{ command: ['download-to-cache', '--model-uri', uri, '--manifest-file', manifestFile] }],
    env: {
      [nimEnvironment.cachePath]: modelStore,
      HF_HOME: `${modelStore}/huggingface/hub`,
      HF_HUB_OFFLINE: '0',
    },
    target: modelStore,
  }
}

/** The image's own entry point. `ngc`, since an HF_TOKEN that lies about would win over the NGC key (section 1.4). */
function nativeRun(model: Record<string, string>): DownloadRun {
  return {
    utilities: [{ command: [] }],
    env: { NIM_ENGINE_MODEL_DOWNLOAD_ONLY: '1', NIM_ENGINE_MODEL_DOWNLOAD_PROVIDER: 'ngc', ...model },
    target: cacheMount.native,
  }
}

function namedModel(name: string): Record<string, string> {
  return { NIM_ENGINE_MODEL_NAME: name, NIM_ENGINE_MODEL_PATH: `${cacheMount.native}/${modelFolder(name)}` }
}

/** Each model of a native image in a folder of its own: `nvidia/page-elements-v3` in `page-elements-v3`. */
function modelFolder(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}
