import type { InventoryHeader } from '../../inventory/inventory.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Target, UploadedCache } from '../request.ts'

/** How the NIMCache gets its files: nimctl's loader image (layouts `cache` and `tar`), or NIM's own download (layout `ngc`). */
export const cacheSources = ['loader', 'override'] as const

export type CacheSource = (typeof cacheSources)[number]

interface SourceQuestion extends Target {
  uploaded: UploadedCache
  source?: CacheSource
}

/**
 * Which way the files get into the NIMCache: it follows from the layout, and the override pointed at a cache layout
 * finds nothing there (reference/operator.md section 4, "two different bucket layouts").
 *
 * @throws NimctlError `usage` / `LAYOUT_MISMATCH` with the command that works, or `FAMILY_UNSUPPORTED`.
 */
export function cacheSource(request: SourceQuestion): CacheSource {
  const { source, uploaded } = request
  const { header } = uploaded
  if (header.family === 'native') throw nativeUnsupported(request)
  const fitting = sourceOfLayout(header.layout)
  if (fitting === undefined)
    throw new NimctlError('usage', 'LAYOUT_MISMATCH', {
      what: `${uploaded.cacheUrl.href} is of layout ${header.layout}: it is no NIM cache.`,
      why: 'A NIMCache is filled from layout cache, tar or ngc.',
      next: 'Upload a cache: nimctl upload DIR URL',
    })
  if (source === undefined || source === fitting) return fitting
  throw mismatch(request, source)
}

function sourceOfLayout(layout: InventoryHeader['layout']): CacheSource | undefined {
  return ({ cache: 'loader', ngc: 'override', tar: 'loader', plain: undefined } as const)[layout]
}

function mismatch({ kind, name, uploaded }: SourceQuestion, source: CacheSource): NimctlError {
  const { cacheUrl, header } = uploaded
  const emit = `nimctl emit ${kind} ${name} --cache ${cacheUrl.href}`
  return new NimctlError(
    'usage',
    'LAYOUT_MISMATCH',
    source === 'override'
      ? {
          what: `NIM_REPOSITORY_OVERRIDE can't read ${cacheUrl.href}: it is of layout ${header.layout}.`,
          why: 'The override looks for one object per NGC file at the bucket’s root, which is layout ngc.',
          next: `Let the loader fill the NIMCache: ${emit} --loader-image REGISTRY/nimctl:VERSION; or upload again: nimctl upload DIR s3://BUCKET --layout ngc`,
        }
      : loaderMismatch({ kind, name, uploaded }),
  )
}

/**
 * The loader restores a directory, and layout `ngc` is none.
 *
 * @throws NimctlError `usage` / `LAYOUT_MISMATCH`.
 */
export function checkLoaderLayout(target: Pick<Target, 'kind' | 'name'>, uploaded: UploadedCache): void {
  if (uploaded.header.layout !== 'ngc') return
  throw new NimctlError('usage', 'LAYOUT_MISMATCH', loaderMismatch({ ...target, uploaded }))
}

function loaderMismatch({ kind, name, uploaded: { cacheUrl } }: Pick<SourceQuestion, 'kind' | 'name' | 'uploaded'>) {
  const fitting = kind === 'loader' ? 'nimcache' : kind
  return {
    what: `The loader can't fill a volume from ${cacheUrl.href}: it is of layout ngc.`,
    why: 'That layout has no cache directory; NIM itself reads it, by NIM_REPOSITORY_OVERRIDE.',
    next: `Leave the loader away: nimctl emit ${fitting} ${name} --cache ${cacheUrl.href}; or upload again: nimctl upload DIR URL --layout cache`,
  }
}

/** They mount their cache elsewhere, and the operator recognises them by the puller's label, which the loader lacks. */
function nativeUnsupported({ name, uploaded: { cacheUrl, header } }: SourceQuestion): NimctlError {
  return new NimctlError('usage', 'FAMILY_UNSUPPORTED', {
    what: `The NIM Operator can't serve ${header.image ?? 'this image'} from an upload: it is of the family native.`,
    why: 'These images keep their weights in /model, which the operator mounts for its own downloads alone.',
    next: `Serve it without the operator: nimctl emit pod ${name} --cache ${cacheUrl.href} --loader-image REGISTRY/nimctl:VERSION`,
  })
}
