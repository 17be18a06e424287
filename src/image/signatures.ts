import type { ImagePlace, MirrorContext } from './mirror.ts'

/** What cosign puts beside an image: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md */
const suffixes = ['sig', 'att', 'sbom']

/**
 * Copies what cosign keeps of an image in its repository, under tags made of its digest. Nothing happens where there is
 * none, where the digest changed, or where source or destination is no registry.
 */
export async function copySignatures(
  { source, destination }: { source: ImagePlace; destination: ImagePlace },
  { digest }: { digest: string },
  context: MirrorContext,
): Promise<void> {
  for (const suffix of suffixes) {
    const tag = `${digest.replace(':', '-')}.${suffix}`
    const [from, to] = [tagged(source, tag), tagged(destination, tag)]
    if (from === undefined || to === undefined) return
    if ((await context.copier.inspect(from, context)) === undefined) continue
    await context.copier.copy({ source: from, destination: to, withSignatures: false }, context)
  }
}

function tagged({ image, ...access }: ImagePlace, tag: string): ImagePlace | undefined {
  if (image.transport !== 'docker') return undefined
  const { transport, registry, repository } = image
  return { ...access, image: { transport, registry, repository, tag } }
}
