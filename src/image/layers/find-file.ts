import type { Layer } from './layer.ts'
import { type Finding, scanLayer } from './scan-layer.ts'

export interface FoundFile {
  /** The one of the asked paths. */
  path: string
  bytes: Buffer
  /** Large layers above it that were not read, and could hide it. */
  unread: readonly Layer[]
}

export interface FindOptions {
  image: string
  signal: AbortSignal
}

/** Up to here a layer is read without a thought: 1 s at 250 Mbit/s. Layers of programs and weights are far larger. */
const smallLayer = 32 * 1024 * 1024
/** Each one may mean another look at the small layers; longer chains lead in a circle. */
const mostLinks = 8

/**
 * The first of `paths` that is a file in an image, links followed, with as little of the image read as will do: first
 * layers whose build step names the place, then small ones, then the others, each time the uppermost first. What an upper
 * layer says counts; large ones above a found file are not read for it, and named in the answer.
 *
 * @param layers the lowest first.
 * @param paths absolute.
 * @throws as `scanLayer` does.
 */
export async function findFile(
  layers: readonly Layer[],
  paths: readonly string[],
  options: FindOptions,
): Promise<FoundFile | undefined> {
  let wanted = paths
  let asked: string | undefined
  for (let links = 0; links <= mostLinks; links += 1) {
    const found = await search(layers, wanted, options)
    if (found === undefined) return undefined
    asked ??= found.path
    const { finding, unread } = found
    if (finding.type === 'file') return { path: asked, bytes: finding.bytes, unread }
    wanted = [finding.target]
  }
  return undefined
}

type Present = Exclude<Finding, { type: 'removed' }>

interface Found {
  path: string
  finding: Present
  unread: readonly Layer[]
}

async function search(
  layers: readonly Layer[],
  paths: readonly string[],
  { image, signal }: FindOptions,
): Promise<Found | undefined> {
  const findings = new Map<number, Map<string, Finding>>()
  /** The uppermost layer of those read that says something of the path. */
  const said = (path: string) => layers.findLastIndex((_, index) => findings.get(index)?.has(path) === true)
  for (const index of readingOrder(layers, paths)) {
    const layer = layers[index]
    if (layer === undefined || paths.every(path => said(path) > index)) continue
    findings.set(index, await scanLayer(layer, paths, { image, any: !isSmall(layer), signal }))
    const found = settle(layers, paths, findings, said)
    if (found !== undefined) return found
  }
  return firstPresent(layers, paths, findings, said)
}

/** What is known for good: no small layer is left that could have it, or a place that comes before it, otherwise. */
function settle(
  layers: readonly Layer[],
  paths: readonly string[],
  findings: Map<number, Map<string, Finding>>,
  said: (path: string) => number,
): Found | undefined {
  const found = firstPresent(layers, paths, findings, said)
  if (found === undefined) return undefined
  const asked = paths.slice(0, paths.indexOf(found.path) + 1)
  const open = layers.some(
    (layer, index) => isSmall(layer) && !findings.has(index) && asked.some(path => said(path) < index),
  )
  return open ? undefined : found
}

function firstPresent(
  layers: readonly Layer[],
  paths: readonly string[],
  findings: Map<number, Map<string, Finding>>,
  said: (path: string) => number,
): Found | undefined {
  for (const path of paths) {
    const index = said(path)
    const finding = findings.get(index)?.get(path)
    if (finding === undefined || finding.type === 'removed') continue
    return { path, finding, unread: layers.filter((_, above) => above > index && !findings.has(above)) }
  }
  return undefined
}

function isSmall({ size }: Layer): boolean {
  return size <= smallLayer
}

function readingOrder(layers: readonly Layer[], paths: readonly string[]): number[] {
  const rank = (layer: Layer) => (isSmall(layer) ? (isNamed(layer, paths) ? 0 : 1) : isNamed(layer, paths) ? 2 : 3)
  return layers
    .map((layer, index) => ({ index, rank: rank(layer) }))
    .toSorted((a, b) => a.rank - b.rank || b.index - a.index)
    .map(({ index }) => index)
}

/** Build steps name what they copy and where to: `COPY model_manifest.yaml /opt/nim/etc/default/`. */
function isNamed({ createdBy }: Layer, paths: readonly string[]): boolean {
  return paths.some(path => {
    const [directory, name] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)]
    return createdBy.includes(name) || (directory !== '' && createdBy.includes(directory))
  })
}
