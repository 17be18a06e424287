import type { InventoryHeader, InventoryProfile } from '../../inventory/inventory.ts'
import type { PlainVariable } from '../../operator/objects.ts'
import { NimctlError } from '../../system/errors.ts'
import { chooseProfile } from '../profile.ts'
import type { Target, UploadedCache } from '../request.ts'

/** Where the operator mounts the files in a NIM (reference/operator.md, section 4). */
const mountPath = '/model-store'

/** How a NIM is told what to serve of the files. */
interface ServedModel {
  /** Of a tree of NGC; the other forms have none. */
  profile: InventoryProfile | undefined
  env: PlainVariable[]
}

/**
 * A tree of NGC is served by profile. Plain files, and trees of another hub, are named as the operator names them for
 * universal and model-free images (reference/operator.md, section 4), and plain files of one profile as NVIDIA's pages on
 * air gaps do for LLM 1.x and 2.x (reference/nim.md, section 6.1).
 *
 * @throws NimctlError what choosing a profile throws.
 */
export function servedModel(header: InventoryHeader, wanted: string | undefined): ServedModel {
  const name = { name: 'NIM_MODEL_NAME', value: mountPath }
  switch (header.form ?? 'hub') {
    case 'endpoint':
      return { profile: undefined, env: [name] }
    case 'flat':
      return { profile: undefined, env: [name, { name: 'NIM_MODEL_PATH', value: mountPath }] }
    case 'uri':
      return {
        profile: undefined,
        env: [
          name,
          { name: 'HF_HOME', value: `${mountPath}/huggingface/hub` },
          ...(header.sources ?? []).slice(0, 1).map(value => ({ name: 'NIM_MODEL_PATH', value })),
        ],
      }
    default:
      return { profile: chooseProfile(header, wanted), env: [] }
  }
}

/**
 * A NIMCache hands profiles on, which other forms than a tree of NGC have not.
 *
 * @throws NimctlError `usage` / `FORM_WITHOUT_PROFILES` with the way that works.
 */
export function checkServedForm({
  kind,
  name,
  uploaded: { header, cacheUrl },
}: Target & { uploaded: UploadedCache }): void {
  const { form = 'hub' } = header
  if (form === 'hub') return
  const forms = {
    flat: 'one profile as plain files',
    endpoint: 'a model as plain files',
    uri: 'a model of another hub',
    native: 'plain files',
  }
  throw new NimctlError('usage', 'FORM_WITHOUT_PROFILES', {
    what: `${cacheUrl.href} holds ${forms[form]}, which a NIMCache can't hand on.`,
    why: 'The operator knows a cache by its profiles, and mounts it for them.',
    next: `Serve it from a claim: nimctl emit ${kind === 'nimcache' ? 'stack' : kind} ${name} --cache ${cacheUrl.href} --loader job --loader-image REGISTRY/nimctl:VERSION`,
  })
}
