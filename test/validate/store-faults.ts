import { createHash } from 'node:crypto'

import { formatInventory } from '../../src/inventory/format.ts'
import { inventoryKey, type Inventory, type InventoryHeader } from '../../src/inventory/inventory.ts'
import type { Store } from '../../src/stores/store.ts'
import { crc32c } from '../../src/system/hash.ts'
import type { ValidateStoreRequest } from '../../src/validate/store.ts'
import type { HubModel } from '../hub-cache.ts'

const { signal } = new AbortController()

/** What lies in a store, to be hurt and to be healed again. */
export interface Patient {
  store: Store
  /** Content by key, of what the upload put there. */
  objects: ReadonlyMap<string, Buffer>
  /** Keys that were written or removed. */
  touched: Set<string>
  readonly put: (key: string, bytes: Buffer) => Promise<void>
  readonly remove: (key: string) => Promise<void>
}

export interface Fault {
  name: string
  /** Changes one thing. @returns how the store then looks, where that is not in the store itself. */
  readonly hurt: (patient: Patient) => Promise<Store | void>
  /** What is asked beside the usual. */
  request?: Partial<ValidateStoreRequest>
  /** The store is compared with the cache that was uploaded. */
  againstCache?: true
  /** Every finding, `name key`, in any order. */
  finds: readonly string[]
  /** Kinds of stores in which it can't exist. */
  notIn?: readonly string[]
}

const model = 'ngc/hub/models--nim--meta--test-model'
const weights = `${model}/snapshots/hf-1234567`
const equal = [`${weights}/equal-a.bin`, `${weights}/equal-b.bin`] as const
const engine = `${model}/snapshots/0.1+abc-l40sx1-bf16.1/rank0.engine`
const config = `${weights}/config.json`
const nested = `${weights}/nested/deep/tokenizer.json`
const empty = `${weights}/empty.txt`
const large = `${weights}/large.safetensors`
const special = `${weights}/new%20name + ä.txt`
/** Azure does not tell of one under a key that is there. */
const begun = `${weights}/begun.safetensors`
const ref = `${model}/refs/hf-1234567`

/** Two versions of a model, for `makeHubCache`. */
export const models: HubModel[] = [
  {
    repository: 'nim/meta/test-model',
    version: 'hf-1234567',
    files: {
      'config.json': '{"layers":2}',
      'nested/deep/tokenizer.json': '{}',
      'empty.txt': '',
      'equal-a.bin': 'a'.repeat(100),
      'equal-b.bin': 'b'.repeat(100),
      'new%20name + ä.txt': 'special',
      'large.safetensors': Buffer.alloc(6 * 2 ** 20, 'weights'),
    },
  },
  {
    repository: 'nim/meta/test-model',
    version: '0.1+abc-l40sx1-bf16.1',
    files: { 'rank0.engine': 'engine bytes'.repeat(1000) },
  },
]

/** The key of the blob behind a snapshot's key. */
function blobOf(key: string): string {
  const contents = models.flatMap(({ version, files }) =>
    Object.entries(files).map(([name, content]) => ({ key: `${model}/snapshots/${version}/${name}`, content })),
  )
  const content = contents.find(one => one.key === key)?.content ?? ''
  return `${model}/blobs/${createHash('md5').update(content).digest('hex')}`
}

const ngcKey = encodeURIComponent('nim/meta/test-model:hf-1234567?file=config.json')

export function listFaults(): Fault[] {
  const [a, b] = equal
  const emptyBlob = blobOf(empty)
  const lying = (change: (objects: Map<string, number>) => void) => async (patient: Patient) => liar(patient, change)
  return [
    gone('a blob', blobOf(engine), 'blob'),
    gone('an empty blob', emptyBlob, 'blob'),
    gone('a blob in parts', blobOf(large), 'blob'),
    gone("a snapshot's key", engine, 'link'),
    gone('a key in folders', nested, 'link'),
    gone('a zero-byte object', empty, 'link'),
    gone('a key with special characters', special, 'link'),
    gone('a ref', ref, 'file'),
    changed('a blob is cut short', blobOf(engine), cut, 'store.blob-size'),
    changed('a blob in parts is cut short', blobOf(large), cut, 'store.blob-size'),
    changed('a blob has a byte too many', blobOf(engine), longer, 'store.blob-size'),
    changed('a blob is empty', blobOf(config), () => Buffer.alloc(0), 'store.blob-size'),
    changed('an empty blob is not', emptyBlob, longer, 'store.blob-size'),
    changed("a snapshot's key is cut short", engine, cut, 'store.link-size'),
    changed("a snapshot's key is empty", config, () => Buffer.alloc(0), 'store.link-size'),
    changed('a zero-byte object is not', empty, longer, 'store.link-size'),
    changed('a ref is longer', ref, longer, 'store.file-size'),
    changed('the first byte of a blob', blobOf(engine), flipped(0), 'store.blob-checksum'),
    changed('a byte in the middle of a blob in parts', blobOf(large), flipped(3_000_000), 'store.blob-checksum'),
    changed("the last byte of a snapshot's key", engine, flipped(-1), 'store.link-checksum'),
    changed('a byte of a key with special characters', special, flipped(0), 'store.link-checksum'),
    changed('a ref names another version', ref, bytes => Buffer.from('x'.repeat(bytes.length)), 'store.file-checksum'),
    {
      name: 'contents of equal size are swapped under their keys',
      hurt: patient => swap(patient, a, b),
      finds: [`store.link-checksum ${a}`, `store.link-checksum ${b}`],
    },
    {
      name: 'blobs of equal size are swapped',
      hurt: patient => swap(patient, blobOf(a), blobOf(b)),
      finds: [`store.blob-checksum ${blobOf(a)}`, `store.blob-checksum ${blobOf(b)}`].toSorted(),
    },
    {
      name: 'a file of another version lies under a key',
      hurt: async patient => await patient.put(config, Buffer.from('{"layers":3}')),
      finds: [`store.link-checksum ${config}`],
    },
    {
      name: 'a key is written in other letters',
      async hurt(patient) {
        await patient.remove(config)
        await patient.put(config.replace('config', 'Config'), patient.objects.get(config) ?? Buffer.alloc(0))
      },
      finds: [`store.link-missing ${config}`, `store.extra ${config.replace('config', 'Config')}`],
    },
    added('an object that nobody named', `${weights}/surplus.bin`, 'store.extra'),
    added('a blob that nobody named', `${model}/blobs/0123456789abcdef0123456789abcdef`, 'store.extra'),
    added('a file of another version that nobody named', `${model}/snapshots/0.2/rank0.engine`, 'store.extra'),
    added('an object beside the hub', 'surplus', 'store.extra'),
    added('a key of layout ngc', ngcKey, 'store.layout-mixed'),
    added('an archive', 'cache.tar', 'store.layout-mixed'),
    {
      name: 'no inventory',
      hurt: async patient => await patient.remove(inventoryKey),
      finds: [`store.inventory ${inventoryKey}`],
    },
    changed('an inventory cut short', inventoryKey, cut, 'store.inventory'),
    changed('an inventory of zeros', inventoryKey, bytes => Buffer.alloc(bytes.length), 'store.inventory'),
    changed('an empty inventory', inventoryKey, () => Buffer.alloc(0), 'store.inventory'),
    {
      name: 'an inventory that counts one file more',
      hurt: patient => rewrite(patient, header => ({ ...header, files: header.files + 1 })),
      finds: [`store.inventory ${inventoryKey}`],
    },
    {
      name: 'another inventory than was meant',
      hurt: async () => {},
      request: { inventoryDigest: `sha256:${'0'.repeat(64)}` },
      finds: [`store.inventory-digest ${inventoryKey}`],
    },
    {
      name: "another model's inventory",
      hurt: patient => rewrite(patient, header => ({ ...header, models: ['nim/other/model:1'] })),
      finds: ['store.model'],
    },
    {
      name: "another image's inventory",
      hurt: patient => rewrite(patient, header => ({ ...header, imageDigest: `sha256:${'0'.repeat(64)}` })),
      againstCache: true,
      finds: [`store.image ${inventoryKey}`],
    },
    {
      name: 'a profile that was not uploaded',
      hurt: async () => {},
      request: { profiles: ['facade'] },
      finds: ['store.profile'],
    },
    {
      name: 'an upload that nobody ended',
      async hurt({ store }) {
        const upload = await store.openUpload(begun, { size: 2 ** 24, partSize: 2 ** 23, signal })
        const bytes = Buffer.alloc(upload.partSize)
        await upload.putPart(1, bytes, { crc32c: crc32c(bytes) }, { signal })
      },
      finds: [`store.unfinished-upload ${begun}`],
      // It can't tell which are open.
      notIn: ['gs'],
    },
    {
      name: 'a listing that leaves a key out',
      hurt: lying(objects => objects.set(engine, -1)),
      finds: [`store.listing ${engine}`],
    },
    {
      name: 'a listing that tells another size',
      hurt: lying(objects => objects.set(config, 1000)),
      finds: [`store.listing ${config}`],
    },
    {
      name: 'an archived object',
      hurt: async ({ store }) =>
        withListing(store, object => (object.key === engine ? { ...object, archived: 'GLACIER' } : object)),
      finds: [`store.archived ${engine}`],
      notIn: ['file', 'gs', 'webhdfs'],
    },
  ]
}

function gone(what: string, key: string, kind: string): Fault {
  return {
    name: `${what} is gone`,
    hurt: async patient => await patient.remove(key),
    finds: [`store.${kind}-missing ${key}`],
  }
}

function changed(name: string, key: string, change: (bytes: Buffer) => Buffer, check: string): Fault {
  return {
    name,
    hurt: async patient => await patient.put(key, change(patient.objects.get(key) ?? Buffer.alloc(0))),
    finds: [`${check} ${key}`],
  }
}

function added(name: string, key: string, check: string): Fault {
  return { name, hurt: async patient => await patient.put(key, Buffer.alloc(0)), finds: [`${check} ${key}`] }
}

async function swap({ objects, put }: Patient, a: string, b: string): Promise<void> {
  await put(a, objects.get(b) ?? Buffer.alloc(0))
  await put(b, objects.get(a) ?? Buffer.alloc(0))
}

const cut = (bytes: Buffer) => bytes.subarray(0, -1)
const longer = (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')])

function flipped(position: number): (bytes: Buffer) => Buffer {
  return bytes => {
    const copy = Buffer.from(bytes)
    const index = position < 0 ? copy.length + position : position
    copy[index] = (copy[index] ?? 0) ^ 1
    return copy
  }
}

async function rewrite(patient: Patient, change: (header: InventoryHeader) => InventoryHeader): Promise<void> {
  const [first = '', ...rest] = (patient.objects.get(inventoryKey) ?? Buffer.alloc(0)).toString().trimEnd().split('\n')
  const inventory: Inventory = { header: change(JSON.parse(first)), entries: rest.map(line => JSON.parse(line)) }
  await patient.put(inventoryKey, Buffer.from(formatInventory(inventory)))
}

/** Changes by key: another size in bytes, or -1 for none at all. */
function liar({ store }: Patient, change: (objects: Map<string, number>) => void): Store {
  const lies = new Map<string, number>()
  change(lies)
  return withListing(store, object => {
    const size = lies.get(object.key) ?? object.size
    return size < 0 ? undefined : { ...object, size }
  })
}

type Listed = Awaited<ReturnType<Store['list']>>['objects'][number]

function withListing(store: Store, change: (object: Listed) => Listed | undefined): Store {
  return {
    ...store,
    async list(prefix, cursor, options) {
      const page = await store.list(prefix, cursor, options)
      return { ...page, objects: page.objects.map(change).filter(object => object !== undefined) }
    },
  }
}
