import { beforeAll, expect, it } from 'vitest'

import { makeEmitPlace } from '../cluster/emit-place.ts'
import { type EmitRow, emitRows, isFor, triedVersions } from '../cluster/emit-rows.ts'
import { emitRow } from '../cluster/emitted.ts'
import { judge } from './judge-objects.ts'

let place: Record<string, string>

beforeAll(async () => {
  place = await makeEmitPlace()
})

/** Whoever asks for NGC, a hub or a Data Store, or gives a key, gets what asks outside. */
function asksOutside(line: string): boolean {
  return /--source (?:ngc|hf|datastore)\b|--online\b|--auth-secret\b/.test(line)
}

/** Without a registry inside the image keeps its own, and `emit` itself warns of it. */
function isOfOwnRegistry(line: string): boolean {
  return !line.includes('--image-registry')
}

const uploaded = '--inventory {inventory} --store-url s3://models/llama --region eu-central-1 --profile c0ffee'
const mirrored = '--image-registry registry.internal:5000'
const loader = '--loader-image registry.internal:5000/tools/nimctl:0.1.0'

/** The kinds that the table for the CRDs does not have. */
const plainRows: readonly EmitRow[] = [
  `pod llama ${uploaded} ${mirrored} --claim models`,
  `pod llama ${uploaded} ${mirrored} ${loader}`,
  `pod llama ${uploaded} ${mirrored} ${loader} --as pod`,
  `kserve llama ${uploaded} ${mirrored}`,
  `kserve llama ${uploaded} ${mirrored} ${loader}`,
  `kserve llama ${uploaded} ${mirrored} --claim models --sub-path llama`,
].map(line => ({ args: line.split(' ') }))

/** What a flag asks for though it is not advised; a NIMPipeline of somebody's own files has what stands in those. */
const askedFor: readonly { flags: RegExp; finding: RegExp }[] = [
  { flags: /--profile all|--all\b/, finding: /profiles-all/ },
  { flags: /--dataset\b/, finding: /dataset-without-manifest/ },
  { flags: /--service /, finding: /(?:)/ },
  { flags: /--read-only/, finding: /read-only-cache/ },
  { flags: /--empty-dir|--online/, finding: /empty-dir-in-production|profile-not-pinned|auth-secret-left-out/ },
  { flags: /--host-path/, finding: /host-path-in-production|objects\.profile/ },
  { flags: /--dra|--resource-claim/, finding: /dra-is-experimental/ },
  { flags: /--metric|--hpa/, finding: /hpa-on-cpu/ },
  { flags: /HF_HUB_OFFLINE=0/, finding: /objects\.telemetry/ },
]

const cases = [...emitRows, ...plainRows].map(row => ({ row, line: row.args.join(' ') }))

it.each(cases)('nothing is found in what comes of: emit $line', async ({ row, line }) => {
  for (const version of triedVersions.filter(each => isFor(row, each))) {
    const isPlain = plainRows.includes(row)
    const { yaml } = await emitRow(row, { place, ...(!isPlain && { version }) })
    const checks = await judge(yaml, { operatorVersion: version, online: asksOutside(line) })
    const found = checks
      .filter(({ name }) => !(isOfOwnRegistry(line) && name === 'objects.registry'))
      .filter(({ status }) => status !== 'ok')
      .map(({ name, path, found: what }) => `${name} ${path}: ${what}`)
    const unasked = found.filter(each => !askedFor.some(({ flags, finding }) => flags.test(line) && finding.test(each)))
    expect({ version, unasked }).toEqual({ version, unasked: [] })
  }
})
