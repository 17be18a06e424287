import { Command, Option } from 'commander'

import type { RegistryCredentials } from '../../image/auth-file.ts'
import type { PreparedImage } from '../../image/mirror-image.ts'
import type { MirroredImage, MirrorRequest, RegistryAccess } from '../../image/mirror.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'
import { readInput } from '../options/input.ts'
import { destinationLogin, findSkopeoLogin } from '../options/registry.ts'
import { parseCount, parseRetries } from '../options/values.ts'
import { formatBytes } from '../render/format.ts'
import { proxySettings } from '../settings.ts'

interface MirrorFlags {
  to: string
  fromFile?: string
  platform: string
  withSignatures?: true
  retries: number
  parallel: number
  keepGoing?: true
  srcTlsVerify: boolean
  destTlsVerify: boolean
  caFile?: string
  dryRun?: true
}

export function mirrorCommand(context: Context): Command {
  return new Command('mirror')
    .description(
      "Copies images with skopeo, digest and all; the source's repository path is kept behind DEST.\n" +
        'What is there by digest is not copied again, so the same command goes on after a failure.',
    )
    .argument(
      '[image...]',
      'such as nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4, docker-daemon:NAME:TAG or oci:DIR:TAG',
    )
    .requiredOption('--to <dest>', 'registry.internal:5000/prefix, oci:DIR, oci-archive:FILE or docker-archive:FILE')
    .option('--from-file <file>', 'one image a line, # comments; - reads standard input')
    .addOption(
      new Option('--platform <os/arch,…>', 'several with commas, out of images for several platforms').default('all'),
    )
    .option('--with-signatures', 'copy signatures, attestations and SBOMs with the image')
    .addOption(
      new Option('--retries <n>', 'tries after the first').default(3).argParser(parseRetries).env('NIMCTL_RETRIES'),
    )
    .addOption(new Option('--parallel <n>', 'images at once').default(2).argParser(parseCount))
    .option('--keep-going', 'go on with the others when one fails')
    .option('--no-src-tls-verify', 'take plain HTTP and unknown certificates from source registries')
    .option('--no-dest-tls-verify', 'take plain HTTP and unknown certificates from the destination')
    .addOption(new Option('--ca-file <file>', "certificates in PEM to trust beside the system's").env('NIMCTL_CA_FILE'))
    .option('--dry-run', 'say what would be copied and change nothing')
    .addHelpText('after', examples)
    .action((images: string[], flags: MirrorFlags) => mirror(images, flags, context))
}

const examples = `
Credentials: NGC_API_KEY for nvcr.io; NIMCTL_REGISTRY_USERNAME and NIMCTL_REGISTRY_PASSWORD for the destination; else those of
skopeo login and docker login (REGISTRY_AUTH_FILE, DOCKER_CONFIG, credential helpers).

Examples:
  nimctl mirror nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4 --to registry.internal:5000
  nimctl mirror --from-file images.txt --to registry.internal:5000/nvidia --keep-going --json
  nimctl mirror nvcr.io/nim/nvidia/nvclip:latest --to oci:./images --platform linux/amd64,linux/arm64 --with-signatures
  nimctl mirror docker-daemon:my/nim:1.0 --to oci:./images`

async function mirror(names: readonly string[], flags: MirrorFlags, context: Context): Promise<void> {
  const { mirrorImages, prepareMirror } = await import('../../image/mirror.ts')
  const { parseMirrorTarget } = await import('../../image/mirror-plan.ts')
  const { formatImageReference, parseImageReference } = await import('../../image/reference.ts')
  const { openSkopeo } = await import('../../image/skopeo.ts')
  const { env, signal, report } = context
  const listed = flags.fromFile === undefined ? [] : await readImageList(flags.fromFile, context)
  const sources = [...names, ...listed].map(parseImageReference)
  if (sources.length === 0) {
    throw new NimctlError('usage', 'IMAGES_MISSING', {
      what: 'No image was named.',
      next: 'Name one or several, or a list: --from-file FILE',
    })
  }
  const request: MirrorRequest = {
    sources,
    to: parseMirrorTarget(flags.to),
    ...(flags.platform !== 'all' && { platforms: flags.platform.split(',') }),
    withSignatures: flags.withSignatures === true,
    retries: flags.retries,
    parallel: flags.parallel,
    keepGoing: flags.keepGoing === true,
    sourceAccess: async registry => access(await findSkopeoLogin(registry, context), flags.srcTlsVerify, flags, env),
    destinationAccess: async registry =>
      access(destinationLogin(context) ?? (await findSkopeoLogin(registry, context)), flags.destTlsVerify, flags, env),
  }
  warnAboutTls(flags, context)
  const mirroring = { copier: await openSkopeo({ env, signal }), signal, report }
  if (flags.dryRun === true) {
    const prepared = await prepareMirror(request, mirroring)
    const images = prepared.map(each => describePlan(each, formatImageReference))
    context.print('MirrorPlan', { ok: true, images }, () =>
      images.map(({ source, destination, action }) => `${action.padEnd(8)} ${source} → ${destination}`).join('\n'),
    )
    return
  }
  const result = await mirrorImages(request, mirroring)
  const { renderTable } = await import('../render/table.ts')
  context.print('MirrorResult', result, () => renderTable(head, result.images.map(row)))
}

async function readImageList(file: string, context: Context): Promise<string[]> {
  const lines = (await readInput(file, context)).split(/\r?\n/)
  return lines.map(line => line.replace(/(?:^|\s)#.*$/, '').trim()).filter(line => line !== '')
}

function access(
  credentials: RegistryCredentials | undefined,
  tlsVerify: boolean,
  { caFile }: MirrorFlags,
  env: Context['env'],
): RegistryAccess {
  return {
    tlsVerify,
    ...(credentials !== undefined && { credentials }),
    ...(caFile !== undefined && { caFile }),
    ...proxySettings(env),
  }
}

function warnAboutTls({ srcTlsVerify, destTlsVerify }: MirrorFlags, { report }: Context): void {
  if (srcTlsVerify && destTlsVerify) return
  const sides = [...(srcTlsVerify ? [] : ['source']), ...(destTlsVerify ? [] : ['destination'])].join(' and ')
  report({
    event: 'warning',
    code: 'TLS_NOT_VERIFIED',
    message: `Plain HTTP and unknown certificates are taken from the ${sides}.`,
  })
}

type FormatReference = typeof import('../../image/reference.ts').formatImageReference

function describePlan(prepared: PreparedImage, format: FormatReference) {
  const { source, destination, action, bytes, images, sourceDigest } = prepared
  return {
    source: format(source.image),
    sourceDigest,
    destination: format(destination.image),
    action,
    bytes,
    platforms: images.map(({ platform }) => platform),
  }
}

const head = ['STATUS', 'DESTINATION', 'DIGEST', 'BYTES']

function row({ status, destination, digest, bytes, error }: MirroredImage): string[] {
  const proof = digest === '' ? (error?.what ?? '-') : digest
  return [status, destination, proof, bytes > 0 ? formatBytes(bytes) : '-']
}
