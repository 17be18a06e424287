import * as v from 'valibot'

/** What an image's config says of the containers that are made of it. */
export interface ContainerConfig {
  /** Such as `linux/amd64`. */
  platform: string
  labels: Record<string, string>
  /** `NAME=value`. */
  env: string[]
  entrypoint: string[]
  command: string[]
  /** As the image states it: empty, `1000`, `1000:1000` or a name. */
  user: string
  /** The build step behind each layer, the lowest first; not every builder keeps them. */
  layerSteps: string[]
  /** Digests of the unpacked layers. */
  diffIds: string[]
}

const texts = v.optional(v.nullable(v.array(v.string())))
const schema = v.object({
  os: v.optional(v.string(), 'unknown'),
  architecture: v.optional(v.string(), 'unknown'),
  variant: v.optional(v.string(), ''),
  rootfs: v.object({ diff_ids: v.array(v.string()) }),
  history: v.optional(
    v.nullable(
      v.array(v.object({ created_by: v.optional(v.string(), ''), empty_layer: v.optional(v.boolean(), false) })),
    ),
  ),
  config: v.optional(
    v.nullable(
      v.object({
        User: v.optional(v.nullable(v.string())),
        Env: texts,
        Entrypoint: texts,
        Cmd: texts,
        Labels: v.optional(v.nullable(v.record(v.string(), v.string()))),
      }),
    ),
  ),
})

/** Reads an image's config, of Docker's and OCI's formats. `undefined` when it is neither. */
export function parseContainerConfig(bytes: Uint8Array): ContainerConfig | undefined {
  const parsed = v.safeParse(schema, parseJson(bytes))
  if (!parsed.success) return undefined
  const { os, architecture, variant, rootfs, history, config } = parsed.output
  return {
    platform: [os, architecture, ...(variant === '' ? [] : [variant])].join('/'),
    labels: config?.Labels ?? {},
    env: config?.Env ?? [],
    entrypoint: config?.Entrypoint ?? [],
    command: config?.Cmd ?? [],
    user: config?.User ?? '',
    layerSteps: (history ?? []).filter(step => !step.empty_layer).map(step => step.created_by),
    diffIds: rootfs.diff_ids,
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}
