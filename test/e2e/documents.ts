/** `?` after a name: may be absent. A list's first shape is that of each of its entries, of which one is wanted. */
type Shape = 'string' | 'number' | 'boolean' | 'map' | RegExp | readonly [Shape] | readonly [] | Fields
interface Fields {
  [name: string]: Shape
}

const digest = /^sha256:[0-9a-f]{64}$/
const links = /^(copy|follow|record)$/
const layout = /^(cache|ngc|tar|plain)$/
const warnings = [] as const
const count = { files: 'number', 'bytes?': 'number' } as const

/** The table "JSON that scripts rely on" of cli.md. What the program adds to it stands behind a comment. */
export const documents = {
  MirrorResult: {
    ok: 'boolean',
    images: [
      {
        source: 'string',
        sourceDigest: digest,
        destination: 'string',
        digest,
        platforms: ['string'],
        status: /^(copied|present|failed)$/,
        bytes: 'number',
        'error?': 'map',
        // Added: the proof for each platform, and why a digest is another one.
        platformDigests: [{ platform: 'string', sourceDigest: digest, digest }],
        'why?': 'string',
      },
    ],
  },
  ProfileListing: {
    source: /^(manifest|docker|kubernetes|file)$/,
    'image?': 'string',
    'imageDigest?': digest,
    'family?': /^(llm|nimlib|native|universal)$/,
    // Beyond the promise.
    'imageVersion?': 'string',
    'imageUser?': 'string',
    'utilities?': ['string'],
    ok: 'boolean', // beyond cli.md
    'operatorParser?': /^(v1|v2|none)$/, // beyond cli.md
    'together?': { files: 'number', 'bytes?': 'number', 'new?': count }, // beyond cli.md
    gpus: [],
    profiles: [
      {
        id: /^[0-9a-f]{64}$/,
        description: 'string',
        section: /^(runnable|low-memory|compilable|incompatible|unknown)$/,
        lora: 'boolean',
        tags: 'map',
        'requiresGbPerGpu?': 'number',
        'files?': 'number',
        'bytes?': 'number',
        'shared?': count, // beyond cli.md
        'new?': count, // beyond cli.md
        selected: 'boolean',
        'why?': 'string',
      },
    ],
    warnings,
  },
  CacheResult: {
    ok: 'boolean',
    dir: 'string',
    image: 'string',
    imageDigest: digest,
    family: /^(llm|nimlib|native|universal)$/,
    profiles: [{ id: 'string', present: 'boolean' }],
    models: [{ name: 'string', version: 'string', files: 'number', bytes: 'number' }],
    files: 'number',
    bytes: 'number',
    // Beside the table: what failed.
    checks: [],
    warnings,
  },
  TransferPlan: {
    source: 'string',
    destinations: [
      {
        url: 'string',
        layout,
        links,
        steps: [
          {
            action: /^(upload|copy|skip|delete)$/,
            key: 'string',
            'bytes?': 'number',
            'from?': 'string',
            'reason?': 'string',
          },
        ],
        totals: {
          uploadBytes: 'number',
          copyBytes: 'number',
          skipBytes: 'number',
          deleteBytes: 'number',
          files: 'number',
        },
      },
    ],
  },
  UploadResult: {
    ok: 'boolean',
    destinations: [
      {
        url: 'string',
        layout,
        uploadedFiles: 'number',
        uploadedBytes: 'number',
        copiedFiles: 'number',
        copiedBytes: 'number',
        skippedFiles: 'number',
        seconds: 'number',
        verified: 'boolean',
        proof: { 'full-checksum': 'number', parts: 'number', etag: 'number', size: 'number' },
        inventoryDigest: digest,
        // Added: IMAGE@sha256:…, how links lie there, and what --delete removed.
        'image?': /@sha256:[0-9a-f]{64}$/,
        links,
        deletedFiles: 'number',
      },
    ],
  },
  DownloadResult: {
    ok: 'boolean',
    dir: 'string',
    files: 'number',
    bytes: 'number',
    skippedFiles: 'number',
    seconds: 'number',
  },
  StoreListing: {
    caches: [
      {
        prefix: 'string',
        image: 'string',
        imageDigest: digest,
        layout,
        profiles: ['string'],
        files: 'number',
        bytes: 'number',
        complete: 'boolean',
      },
    ],
  },
  CheckReport: {
    ok: 'boolean',
    target: 'string',
    summary: {
      models: ['string'],
      profiles: ['string'],
      files: 'number',
      bytes: 'number',
      // Added: what was compared with, who asked, and how far the other side can be believed.
      'inventoryDigest?': digest,
      'against?': 'string',
      'read?': { files: 'number', bytes: 'number' },
      'authenticatedAs?': 'string',
      'insecureTls?': 'boolean',
    },
    checks: [
      {
        name: 'string',
        status: /^(ok|warning|failed|not-provable)$/,
        method: /^(listing-checksum|stat-checksum|etag|size|content|structure)$/,
        'path?': 'string',
        'expected?': 'string',
        'found?': 'string',
        'next?': 'string',
      },
    ],
  },
  // "`ok` and one list each": what else is in it is documented in docs/json.md.
  EmitResult: { ok: 'boolean', objects: ['map'], images: ['string'], warnings, prerequisites: [] },
  DoctorReport: { ok: 'boolean', checks: [{ name: 'string', status: 'string', found: 'string', 'next?': 'string' }] },
  HybridManagerModels: {
    ok: 'boolean',
    url: 'string',
    'insecureTls?': 'boolean',
    complete: 'boolean',
    models: [
      {
        id: 'string',
        'name?': 'string',
        'image?': 'string',
        'check?': {
          status: /^(ok|failed|not-provable)$/,
          'digest?': digest,
          'expectedDigest?': digest,
          'found?': 'string',
          'next?': 'string',
        },
      },
    ],
  },
  HybridManagerImage: {
    ok: 'boolean',
    url: 'string',
    'insecureTls?': 'boolean',
    id: 'string',
    'name?': 'string',
    'before?': 'string',
    after: 'string',
    status: /^(changed|unchanged|planned)$/,
  },
  Error: {
    category: /^(usage|check-failed|auth|not-found|unavailable|missing-tool|local|unexpected|interrupted)$/,
    code: /^[A-Z][A-Z0-9_]+$/,
    exitCode: 'number',
    what: 'string',
    'why?': 'string',
    'next?': 'string',
  },
} as const satisfies Record<string, Fields>

/** What of a document differs from the table: fields that are missing, of another type, or not in it. */
export function problemsOf(document: unknown, kind: keyof typeof documents): string[] {
  return findProblems(document, { formatVersion: /^1$/, kind: new RegExp(`^${kind}$`), ...documents[kind] }, kind)
}

function findProblems(value: unknown, shape: Shape, place: string): string[] {
  if (shape instanceof RegExp) return shape.test(String(value)) ? [] : [`${place}: ${JSON.stringify(value)}`]
  if (isList(shape)) return findInList(value, shape, place)
  if (shape === 'map') return isMap(value) ? [] : [`${place} is no object`]
  if (typeof shape === 'string') {
    const type = Number.isNaN(value) ? 'no number' : typeof value
    return type === shape ? [] : [`${place}: ${type} instead of ${shape}`]
  }
  return isMap(value) ? findInMap(value, shape, place) : [`${place} is no object`]
}

function findInList(value: unknown, [each]: readonly [Shape] | readonly [], place: string): string[] {
  if (!Array.isArray(value)) return [`${place} is no list`]
  if (each === undefined) return []
  if (value.length === 0) return [`${place} is empty`]
  return value.flatMap((entry, index) => findProblems(entry, each, `${place}[${index}]`))
}

function findInMap(map: Record<string, unknown>, fields: Fields, place: string): string[] {
  const known = Object.entries(fields).map(([field, shape]) => ({
    name: field.replace(/\?$/, ''),
    needed: !field.endsWith('?'),
    shape,
  }))
  return [
    ...Object.keys(map)
      .filter(name => !known.some(field => field.name === name))
      .map(name => `${place}.${name} is not in the table`),
    ...known.flatMap(({ name, needed, shape }) => {
      if (name in map) return findProblems(map[name], shape, `${place}.${name}`)
      return needed ? [`${place}.${name} is missing`] : []
    }),
  ]
}

function isList(shape: Shape): shape is readonly [Shape] | readonly [] {
  return Array.isArray(shape)
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
