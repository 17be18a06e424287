import { byDigest } from './compare-images.ts'
import type { ProvedImage } from './mirror-image.ts'
import type { ImagePlace, MirrorContext } from './mirror.ts'
import type { Descriptor } from './oci-layout.ts'
import { formatImageReference } from './reference.ts'

/** What cosign puts beside an image: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md */
const suffixes = ['sig', 'att', 'sbom']

interface Sides {
  source: ImagePlace
  destination: ImagePlace
}

/**
 * Copies what was said of an image, and of each of its platforms: signatures, attestations and SBOMs, under cosign's tags
 * and as OCI's referrers. All of them name the image by its digest, so where that changed they hold no longer, stay behind
 * and are warned of.
 */
export async function copySignatures(
  { sourceDigest, ...sides }: Sides & { sourceDigest: string },
  { digest, platforms }: ProvedImage,
  context: MirrorContext,
): Promise<void> {
  const pairs = [{ sourceDigest, digest }, ...platforms]
  const unique = new Map(pairs.map(pair => [pair.sourceDigest, pair.digest]))
  let left = 0
  for (const [said, there] of unique) {
    const tags = await findTags(sides.source, said, context)
    const referrers = await context.copier.listReferrers(sides.source, said, context)
    if (said !== there || !canHold(sides.destination)) left += tags.length + referrers.length
    else {
      for (const tag of tags) await copyNamed(sides, tag, context)
      await copyReferrers(sides, { digest: said, referrers }, context)
    }
  }
  if (left === 0) return
  const why = canHold(sides.destination)
    ? 'The copy has another digest, and they hold for that of the source.'
    : 'Such an archive has no place for them.'
  const message = `${left} signatures or attestations of ${formatImageReference(sides.source.image)} were left behind. ${why}`
  context.report({ event: 'warning', code: 'SIGNATURES_LEFT', message })
}

async function findTags(source: ImagePlace, digest: string, context: MirrorContext): Promise<string[]> {
  const tags = suffixes.map(suffix => `${digest.replace(':', '-')}.${suffix}`)
  const found = await Promise.all(
    tags.map(async tag => {
      const place = named(source, { tag })
      return place !== undefined && (await context.copier.inspect(place, context)) !== undefined
    }),
  )
  return tags.filter((_, index) => found[index])
}

async function copyNamed({ source, destination }: Sides, tag: string, context: MirrorContext): Promise<void> {
  const [from, to] = [named(source, { tag }), named(destination, { tag })]
  if (from !== undefined && to !== undefined) await copyUnlessThere({ source: from, destination: to }, context)
}

/** What refers to an image can be referred to as well: a signature of an SBOM. */
async function copyReferrers(
  sides: Sides,
  { digest, referrers }: { digest: string; referrers: readonly Descriptor[] },
  context: MirrorContext,
): Promise<void> {
  if (referrers.length === 0) return
  for (const referrer of referrers) {
    // An archive finds images by name alone, and nimctl's have this one.
    const isArchive = sides.source.image.transport === 'oci-archive'
    const from = isArchive ? named(sides.source, referrer) : byDigest(sides.source, referrer.digest)
    const to = named(sides.destination, referrer)
    if (from === undefined || to === undefined) continue
    await copyUnlessThere({ source: from, destination: to }, context)
    const further = await context.copier.listReferrers(sides.source, referrer.digest, context)
    await copyReferrers(sides, { digest: referrer.digest, referrers: further }, context)
  }
  await context.copier.noteReferrers(sides.destination, { digest, referrers }, context)
}

async function copyUnlessThere({ source, destination }: Sides, context: MirrorContext): Promise<void> {
  const [wanted, there] = await Promise.all([
    context.copier.inspect(source, context),
    context.copier.inspect(destination, context),
  ])
  if (wanted?.digest === there?.digest) return
  await context.copier.copy({ source, destination, withSignatures: false, exact: true }, context)
}

function canHold({ image }: ImagePlace): boolean {
  return image.transport === 'docker' || image.transport === 'oci'
}

/** Another image of the same repository; in a layout, where there are only names, the name says which. */
function named(place: ImagePlace, { tag, digest }: { tag?: string; digest?: string }): ImagePlace | undefined {
  const { image } = place
  if (image.transport === 'docker') {
    const { transport, registry, repository } = image
    return {
      ...place,
      image: { transport, registry, repository, ...(digest === undefined ? tag && { tag } : { digest }) },
    }
  }
  if (image.transport !== 'oci' && image.transport !== 'oci-archive') return undefined
  const repository = image.name?.replace(/(?::[^:/@]*)?(?:@.*)?$/, '') ?? ''
  const name = digest === undefined ? `${repository}:${tag}` : `${repository}@${digest}`
  return { ...place, image: { transport: image.transport, path: image.path, name } }
}
