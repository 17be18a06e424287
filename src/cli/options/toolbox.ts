import type { MirrorConfig } from '../../pipeline/config/schema.ts'
import type { PlacedDestination, StoredState, Toolbox } from '../../pipeline/run/ports.ts'
import { NimctlError } from '../../system/errors.ts'
import { parseJson } from '../../system/json.ts'
import type { ProgressEvent, Report } from '../../system/progress.ts'
import type { Context } from '../context.ts'
import { registrySettings } from './image.ts'
import { openPlace } from './place.ts'
import { destinationLogin } from './registry.ts'
import type { StoreFlags } from './store.ts'

interface ToolboxOptions {
  /** Of nimctl.yaml: each command is told where the named stores stand. */
  config: string
  flags: StoreFlags
  context: Context
}

/** nimctl, as each step of a run starts it: the same Node.js, the same program, the same environment. */
export function openToolbox({ config, flags, context }: ToolboxOptions): Toolbox {
  const env = { ...context.env, NIMCTL_CONFIG: config }
  return {
    async command(args, { signal, report, env: more = {} }) {
      const { runTool } = await import('../../system/process.ts')
      const [program = ''] = process.argv.slice(1)
      const whole = [program, ...args, '--json', '--progress', 'json']
      const onLine = (line: string) => handOn(line, report)
      const { exitCode, stdout, stderrTail } = await runTool(process.execPath, whole, {
        env: { ...env, ...more },
        signal,
        onLine,
        tellEnd: true,
      })
      const document = parseJson(stdout.toString('utf8'))
      if (typeof document === 'object' && document !== null) return { exitCode, document: { ...document } }
      return { exitCode, document: { stderr: stderrTail } }
    },
    digestOf: (image, mirror, signal) => digestOf(image, mirror, { ...context, signal }),
    lookAt: (place, image, signal) => lookAt(place, { image, signal, flags, context }),
  }
}

/** A step's progress in bytes is its own; what a person should read is told. */
function handOn(line: string, report: Report): void {
  const event = parseJson(line)
  if (typeof event !== 'object' || event === null || !('event' in event)) return
  if (event.event === 'warning' || event.event === 'retrying' || event.event === 'log') report(event as ProgressEvent)
}

/** Without checks, where the file says so, a registry may also speak plain HTTP. */
async function digestOf(image: string, mirror: MirrorConfig, context: Context): Promise<string | undefined> {
  const { openImageSource } = await import('../../image/find-image.ts')
  const { parseImageReference } = await import('../../image/reference.ts')
  const reference = parseImageReference(image)
  const { caFile } = mirror
  const ways =
    mirror.destTlsVerify === false ? [{ insecureSkipTlsVerify: true as const }, { plainHttp: true as const }] : [{}]
  for (const way of ways) {
    const settings = await registrySettings({ retries: 1, ...way, ...(caFile && { caFile }) }, context)
    const findCredentials = async () => destinationLogin(context)
    const own = destinationLogin(context) === undefined ? {} : { findCredentials }
    try {
      return (await openImageSource(reference, { ...settings, ...own })).digest
    } catch (error) {
      context.signal.throwIfAborted()
      if (!(error instanceof NimctlError)) throw error
    }
  }
  return undefined
}

interface Question {
  image: { reference: string; digest: string } | undefined
  signal: AbortSignal
  flags: StoreFlags
  context: Context
}

async function lookAt(
  { argument }: PlacedDestination,
  { image, signal, flags, context }: Question,
): Promise<StoredState | undefined> {
  const { listCaches } = await import('../../transfer/list-caches.ts')
  const { chooseMarker, listMarkers, readPublishedInventory } = await import('../../transfer/marker.ts')
  const store = await openPlace(argument, flags, { context, readOnly: true })
  try {
    const key = chooseMarker(store, await listMarkers(store, signal), image)
    const published = key === undefined ? undefined : await readPublishedInventory(store, key, signal)
    if (published === undefined) return undefined
    const caches = await listCaches(store, signal)
    const { imageDigest, layout } = published.inventory.header
    const listed = caches.find(cache => cache.imageDigest === imageDigest && cache.layout === layout)
    return { ...published, complete: listed?.complete === true }
  } catch (error) {
    // Neither the bucket nor what it will hold need be there before the first run.
    if (error instanceof NimctlError && error.category === 'not-found') return undefined
    throw error
  } finally {
    store.close()
  }
}
