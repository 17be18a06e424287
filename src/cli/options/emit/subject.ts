import { type Command, Option } from 'commander'

import type { UploadedCache } from '../../../emit/request.ts'
import type { InventoryProfile } from '../../../inventory/inventory.ts'
import type { ManifestParser } from '../../../operator/match-profiles.ts'
import { NimctlError } from '../../../system/errors.ts'
import type { ImageDigest } from '../../../transfer/marker.ts'
import type { Context } from '../../context.ts'
import { readInput } from '../input.ts'
import { given } from '../values.ts'
import { addUploadedOptions, readUploaded, type UploadedFlags } from './uploaded.ts'

export interface SubjectFlags extends Omit<UploadedFlags, 'image'> {
  image?: string
  manifest?: string
}

/** What objects are made for: something uploaded, or an image alone. */
export interface Subject {
  /** As it is called outside the cluster. */
  image?: string
  family?: string
  uploaded?: UploadedCache
  /** All that are known: of the inventory, or of `--manifest`; absent: nothing says which there are. */
  profiles?: readonly InventoryProfile[]
  /** How the operator reads them; absent: it can't, or nothing is known. */
  parser?: ManifestParser
  /** For people: what it is. */
  called: string
}

/** Flags of kinds that need no upload. */
export function addSubjectOptions(command: Command): Command {
  const image = new Option(
    '--image <image>',
    'without --cache: the NIM; with it: which one (IMAGE@sha256:…), in a bucket that several share',
  )
  addUploadedOptions(command, image)
  return command.addOption(
    new Option(
      '--manifest <file>',
      'model_manifest.yaml, or saved nimctl profiles --json: profiles are checked against it',
    ).helpGroup('What was uploaded:'),
  )
}

/**
 * @param required unless what is emitted for has another name, such as a model of a hub.
 * @throws NimctlError `usage` / `EMIT_SOURCE`, `IMAGE_DIGEST_REQUIRED`, and what reading the files throws.
 */
export async function readSubject(flags: SubjectFlags, context: Context, required = true): Promise<Subject> {
  const { cache, inventory, image, manifest, ...others } = flags
  if (cache === undefined && inventory === undefined) {
    if (required && image === undefined && manifest === undefined) throw nothingGiven()
    const listing = manifest === undefined ? undefined : await readManifest(manifest, context)
    const called = image ?? listing?.image ?? manifest ?? ''
    return { called, ...listing, ...given({ image: image ?? listing?.image }) }
  }
  if (manifest !== undefined) throw twoLists()
  const stored = image === undefined ? {} : { image: requireDigest(image) }
  const uploaded = await readUploaded({ ...others, ...given({ cache, inventory }), ...stored }, context)
  const { header, cacheUrl } = uploaded
  return {
    uploaded,
    profiles: header.profiles,
    parser: header.manifestVersion === 2 ? 'v2' : 'v1',
    called: cacheUrl.href,
    ...given({ image: header.image, family: header.family }),
  }
}

async function readManifest(
  file: string,
  context: Context,
): Promise<Pick<Subject, 'image' | 'family' | 'profiles' | 'parser'>> {
  const { readListingFile } = await import('../../../profiles/listing-file.ts')
  const { image, family, operatorParser, profiles } = readListingFile(await readInput(file, context))
  return {
    profiles: profiles.map(({ id, description, tags }) => ({ id, tags, ...(description !== '' && { description }) })),
    ...given({ image, family, parser: operatorParser === 'none' ? undefined : operatorParser }),
  }
}

function requireDigest(image: string): ImageDigest {
  const [, reference, digest] = /^(.+)@(sha256:[0-9a-f]{12,64})$/.exec(image) ?? []
  if (reference !== undefined && digest !== undefined) return { reference, digest }
  throw new NimctlError('usage', 'IMAGE_DIGEST_REQUIRED', {
    what: `"${image}" does not say which upload is meant.`,
    why: 'With --cache or --inventory the image is known; --image only tells several in one bucket apart.',
    next: 'Leave --image out, or give IMAGE@sha256:…, as nimctl list shows them.',
  })
}

function nothingGiven(): NimctlError {
  return new NimctlError('usage', 'EMIT_SOURCE', {
    what: 'Say what to emit for, in one way.',
    next: 'Give --cache URL, --inventory FILE with --store-url URL, or --image IMAGE.',
  })
}

function twoLists(): NimctlError {
  return new NimctlError('usage', 'EMIT_SOURCE', {
    what: '--manifest and an inventory both say which profiles there are.',
    next: 'Leave --manifest out: the inventory names those that were uploaded.',
  })
}
