import type { InventoryHeader } from '../../inventory/inventory.ts'
import type { Check } from '../../system/check.ts'
import { modelFolder } from '../../transfer/model-folder.ts'
import { splitPrefix, type ReaderAddress } from './address.ts'
import { checkSpelling, kserve } from './kserve.ts'
import { structural, type Reader } from './reader.ts'

/** EDB Hybrid Manager 1.3, by its how-to on NIM caches (reference/nim.md 6.3). It reads with KServe. */
export const hybridManager: Reader = {
  ...kserve,
  title: 'Hybrid Manager',
  checkAddress: (address, header) => [
    ...kserve.checkAddress(address, header).filter(({ name }) => name !== 'reader.address'),
    ...checkForm(address),
    ...checkFolder(address, header),
  ],
  checkHeader: checkLora,
  checkHubs,
}

/** Its how-to writes HDFS with the namenode, which KServe takes for a part of the path. */
function checkForm(address: ReaderAddress): Check[] {
  const checks = checkSpelling(address)
  if (address.kind !== 'hdfs' || address.protocol === 'swebhdfs:') return checks
  return checks.map(check => ({
    ...check,
    status: 'not-provable',
    next: "EDB's how-to writes it so; KServe alone would read it otherwise. Look at the pod's log after the first start.",
  }))
}

/** The how-to has one folder for each model; where it is named as there, it is to be this model's. */
function checkFolder({ text, prefix, isArchive }: ReaderAddress, header: InventoryHeader | undefined): Check[] {
  const folder = isArchive ? splitPrefix({ prefix }).folder : prefix
  const { base: found } = splitPrefix({ prefix: folder })
  const expected = header?.image === undefined ? undefined : modelFolder(header.image)
  if (expected === undefined || !found.startsWith('nim-')) return []
  const check = structural({ name: 'reader.folder', status: 'ok', path: text, expected, found })
  if (found === expected) return [check]
  return [{ ...check, status: 'warning', next: "It reads as another model's: nimctl upload DIR URL/{model}" }]
}

function checkLora({ profiles }: InventoryHeader): Check[] {
  if (profiles.length === 0) return []
  const isLora = ({ tags, description }: (typeof profiles)[number]) =>
    tags.feat_lora?.toLowerCase() === 'true' || /\blora\b/i.test(description ?? '')
  const only = profiles.every(isLora)
  return [
    structural({
      name: 'reader.lora-only',
      status: only ? 'failed' : 'ok',
      ...(only && {
        expected: 'a profile without LoRA: Hybrid Manager offers no other to choose',
        found: profiles.map(({ id }) => id.slice(0, 12)).join(', '),
        next: 'Add one: nimctl cache IMAGE DIR --no-lora, then nimctl upload.',
      }),
    }),
  ]
}

const hub = 'ngc/hub'

/** The path that is given to it has to be the model's own folder, with `ngc/hub` in it. */
function checkHubs(roots: readonly string[], address: ReaderAddress, header: InventoryHeader | undefined): Check[] {
  const { text, prefix } = address
  const expected = `models below ${hub}/`
  const other = header === undefined || roots.includes(hub) ? undefined : otherThanHub(header)
  if (other !== undefined) {
    const next = "EDB's how-to knows the hub tree alone: try it with one model first."
    return [structural({ name: 'reader.depth', status: 'not-provable', path: text, expected, found: other, next })]
  }
  if (roots.includes(hub)) {
    const twice = doubled(prefix)
    const found = `${hub}/ in the model's own folder`
    const ok = structural({ name: 'reader.depth', status: 'ok', path: text, found })
    return twice === undefined ? [ok] : [ok, doubledCheck(text, { twice, status: 'warning', next: worksAsItIs })]
  }
  const below = roots.find(root => root.endsWith(`/${hub}`))
  if (below !== undefined) {
    const folder = below.slice(0, -hub.length)
    const right = `${text.replace(/\/?$/, '/')}${folder}`
    const twice = doubled(`${prefix}/${folder}`)
    if (twice !== undefined) return [doubledCheck(text, { twice, status: 'failed', next: `Give it ${right}` })]
    return [wrongDepth(text, { found: `${folder}${hub}/`, next: `Give it the model's own folder: ${right}` })]
  }
  const above = roots.find(root => root === '' || root === 'hub')
  if (above !== undefined) {
    const next = `Give it the folder that has ${hub}/ in it, ${above === '' ? 'two' : 'one'} above.`
    return [wrongDepth(text, { found: `${above === '' ? '' : 'hub/'}models--…, which is too deep`, next })]
  }
  return [wrongDepth(text, { found: 'no models', next: `Fill it: nimctl upload DIR ${text}` })]
}

/** `undefined` where models lie in a hub, as far as the inventory says. */
function otherThanHub({ layout, family, form = family === 'native' ? 'native' : 'hub' }: InventoryHeader) {
  if (layout === 'tar') return 'an archive'
  return form === 'hub' ? undefined : `a cache of form ${form}`
}

function wrongDepth(path: string, { found, next }: { found: string; next: string }): Check {
  return structural({ name: 'reader.depth', status: 'failed', path, expected: `models below ${hub}/`, found, next })
}

const worksAsItIs = 'It works as it is; whoever leaves one out finds nothing.'

function doubledCheck(
  path: string,
  { twice, status, next }: { twice: string; status: 'failed' | 'warning'; next: string },
): Check {
  const expected = 'the folder of the model once'
  return structural({ name: 'reader.doubled', status, path, expected, found: `${twice}/${twice}`, next })
}

/** `nim-X` of `model-cache/nim-X/nim-X`: the folder was uploaded into itself. */
function doubled(path: string): string | undefined {
  const names = path.split('/').filter(name => name !== '')
  return names.find((name, index) => name === names[index + 1])
}
