import { Argument, Command, Option } from 'commander'

import {
  cacheSources,
  emitKinds,
  type CacheSource,
  type EmitKind,
  type EmitRequest,
  type EmitResult,
} from '../../emit/request.ts'
import type { InventoryHeader } from '../../inventory/inventory.ts'
import { NimctlError } from '../../system/errors.ts'
import type { ImageDigest } from '../../transfer/marker.ts'
import type { Context } from '../context.ts'
import { addStoreOptions, openFlaggedStore, type StoreFlags } from '../options/store.ts'
import { parseCount, parseImageDigest, parseStoreUrl } from '../options/values.ts'
import { toolName } from '../settings.ts'

interface EmitFlags extends StoreFlags {
  cache?: string
  inventory?: string
  image?: ImageDigest
  storeUrl?: string
  storeEndpointUrl?: string
  namespace?: string
  operatorVersion?: string
  source?: CacheSource
  imageRegistry?: string
  loaderImage?: string
  storeSecret?: string
  pullSecret?: string
  profile?: string
  size?: string
  storageClass?: string
  accessMode?: string
  claim?: string
  replicas: number
  port: number
  output: 'yaml' | 'json'
  write?: string
}

export function emitCommand(context: Context): Command {
  const command = new Command('emit')
    .description(
      'Writes the objects that bring an uploaded cache into a cluster with the NVIDIA NIM Operator.\n' +
        "What is right follows from what was uploaded: layouts cache and tar are fetched by nimctl's own image,\n" +
        'layout ngc by the NIM itself through NIM_REPOSITORY_OVERRIDE. Secrets are named, never written.',
    )
    .addArgument(new Argument('<kind>', 'stack: all that is needed').choices(emitKinds))
    .argument('<name>', 'of the NIMCache and of the NIMService')
    .option('--cache <url>', 'store and prefix that nimctl uploaded to')
    .option('--inventory <file>', 'its inventory, where the store is not reachable (needs --store-url)')
    .addOption(
      new Option('--image <image@digest>', 'which one, in a bucket of layout ngc that several images share').argParser(
        parseImageDigest,
      ),
    )
    .option('--store-url <url>', 'the same prefix as the cluster calls it, where that differs')
    .option('--store-endpoint-url <url>', 'of its S3 service, as the cluster reaches it (default: --endpoint-url)')
    .option('-n, --namespace <name>', 'of the objects')
    .option('--operator-version <version>', 'of the NIM Operator in the cluster (default: the newest known)')
    .addOption(
      new Option('--source <how>', 'how the NIMCache gets its files (default: as uploaded)').choices(cacheSources),
    )
    .option('--image-registry <host>', 'registry that the images were mirrored to, such as registry.internal:5000')
    .option('--loader-image <image>', "nimctl's own image in that registry")
    .option('--store-secret <name>', "an existing Secret with the store's credentials")
    .option('--pull-secret <name>', 'an existing Secret for the registry')
    .option('--profile <profile>', 'to serve, where several were uploaded')
    .option('--size <quantity>', 'of the volume (default: from the inventory)')
    .option('--storage-class <name>', "of the volume (default: the cluster's)")
    .option('--access-mode <mode>', 'of the volume (default: ReadWriteMany)')
    .option('--claim <name>', 'an existing PersistentVolumeClaim instead of a new one')
    .addOption(new Option('--replicas <n>', 'pods of the NIMService').default(1).argParser(parseCount))
    .addOption(new Option('--port <n>', 'of the service').default(8000).argParser(parseCount))
    .addOption(new Option('-o, --output <form>', 'form of the objects').choices(['yaml', 'json']).default('yaml'))
    .option('--write <file>', 'write to this file instead of stdout')
    .addHelpText('after', examples)
    .action((kind: EmitKind, name: string, flags: EmitFlags) => emitObjects(kind, name, { flags, context }))
  return addStoreOptions(command)
}

const examples = `
Examples:
  nimctl emit stack llama --cache s3://models/llama --image-registry registry.internal:5000 \\
    --loader-image registry.internal:5000/tools/nimctl:0.1.0 | kubectl apply -f -
  nimctl emit nimcache llama --cache s3://nim-mirror/ --profile 0494aafc
  nimctl emit stack llama --inventory inventory.jsonl --store-url s3://models/llama/ --write llama.yaml`

async function emitObjects(
  kind: EmitKind,
  name: string,
  { flags, context }: { flags: EmitFlags; context: Context },
): Promise<void> {
  const { emit } = await import('../../emit/emit.ts')
  const { newestOperatorRelease, parseOperatorVersion } = await import('../../operator/versions.ts')
  const { header, digest, url } = await readSource(flags, context)
  const { operatorVersion } = flags
  const result = emit({
    ...requestFrom(flags, context),
    kind,
    name,
    header,
    cacheUrl: url,
    inventoryDigest: digest,
    operatorVersion: operatorVersion === undefined ? newestOperatorRelease : parseOperatorVersion(operatorVersion),
  })
  for (const message of result.warnings) context.report({ event: 'warning', code: 'EMIT', message })
  await deliver(result, { flags, context, origin: `${name}: made by ${toolName()} from ${url.href}` })
}

async function readSource(
  flags: EmitFlags,
  context: Context,
): Promise<{ header: InventoryHeader; digest: string; url: URL }> {
  if ((flags.cache === undefined) === (flags.inventory === undefined)) {
    throw new NimctlError('usage', 'EMIT_SOURCE', {
      what: 'Say what to emit for, in one way.',
      next: 'Give --cache URL, or --inventory FILE with --store-url URL.',
    })
  }
  if (flags.cache !== undefined) {
    const { requireHeader } = await import('../../transfer/marker.ts')
    const url = parseStoreUrl(flags.cache)
    const store = await openFlaggedStore(url, flags, { context, readOnly: true })
    const { header, digest } = await requireHeader(store, flags.image, context.signal)
    store.close()
    return { header, digest, url }
  }
  const { readInventoryFile } = await import('../../inventory/read-file.ts')
  const { header, digest } = await readInventoryFile(flags.inventory ?? '')
  if (flags.storeUrl !== undefined) return { header, digest, url: parseStoreUrl(flags.storeUrl) }
  throw new NimctlError('usage', 'EMIT_SOURCE', {
    what: 'An inventory file does not say where its store is.',
    next: 'Add --store-url, such as --store-url s3://models/llama/',
  })
}

type FromFlags = Omit<EmitRequest, 'kind' | 'name' | 'header' | 'cacheUrl' | 'inventoryDigest' | 'operatorVersion'>

function requestFrom(flags: EmitFlags, { env }: Context): FromFlags {
  const { namespace, source, imageRegistry, loaderImage, storeSecret, pullSecret, profile, replicas, port } = flags
  const { storeUrl, size, storageClass, accessMode, claim } = flags
  const endpoint = flags.storeEndpointUrl ?? flags.endpointUrl ?? env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL
  const region = flags.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION
  return {
    ...given({ namespace, source, imageRegistry, loaderImage, storeSecret, pullSecret, profile, region }),
    ...(storeUrl !== undefined && { storeUrl: parseStoreUrl(storeUrl) }),
    ...(endpoint !== undefined && { endpointUrl: new URL(endpoint) }),
    storage: given({ size, storageClass, accessMode, claimName: claim }),
    replicas,
    port,
  }
}

/** Without the fields that nobody set. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

async function deliver(
  result: EmitResult,
  { flags, context, origin }: { flags: EmitFlags; context: Context; origin: string },
): Promise<void> {
  const { objects, warnings, prerequisites } = result
  const list = { apiVersion: 'v1', kind: 'List', items: objects }
  const { renderYaml } = await import('../../emit/yaml.ts')
  const text = flags.output === 'json' ? `${JSON.stringify(list, undefined, 2)}\n` : renderYaml(result, origin)
  const document = { ok: true, objects, warnings, prerequisites }
  if (flags.write === undefined) {
    context.print('EmitResult', document, () => text.trimEnd())
    return
  }
  const { writeFileAtomically } = await import('../../system/files.ts')
  const path = flags.write
  await writeFileAtomically(path, text)
  context.print(
    'EmitResult',
    { ...document, path },
    () => `Wrote ${objects.map(({ kind }) => kind).join(', ')} to ${path}.`,
  )
}
