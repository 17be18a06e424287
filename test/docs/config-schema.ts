import { toJsonSchema } from '@valibot/to-json-schema'

import { configSchema } from '../../src/pipeline/config/schema.ts'

/** What editors read of nimctl.yaml: docs/nimctl.schema.json. */
export function renderConfigSchema(): string {
  const schema = toJsonSchema(configSchema, { target: 'draft-07' })
  return `${JSON.stringify({ ...schema, title: 'nimctl.yaml' }, undefined, 2)}\n`
}

interface Schema {
  title?: string
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  anyOf?: Schema[]
}

/** docs/nimctl-yaml.md with the table between its markers made anew from the schema. */
export function withKeyTable(page: string): string {
  const schema: Schema = JSON.parse(renderConfigSchema())
  const rows = keysOf(schema, '').map(({ path, title }) => `| \`${path}\` | ${title} |\n`)
  return page.replace(
    /(<!-- keys -->\n).*?(<!-- end of keys -->)/s,
    (_, start: string, end: string) => `${start}\n| key | |\n| --- | --- |\n${rows.join('')}\n${end}`,
  )
}

function keysOf(
  { properties = {}, additionalProperties, items, anyOf = [] }: Schema,
  before: string,
): { path: string; title: string }[] {
  const below = (schema: Schema, path: string) => [
    ...(schema.title === undefined ? [] : [{ path, title: schema.title }]),
    ...keysOf(schema, path),
  ]
  return [
    ...Object.entries(properties)
      // What a model may say stands once, under models.
      .filter(([key]) => key !== 'defaults')
      .flatMap(([key, schema]) => below(schema, before === '' ? key : `${before}.${key}`)),
    ...(typeof additionalProperties === 'object' && before === 'stores'
      ? keysOf(additionalProperties, 'stores.NAME')
      : []),
    ...(items === undefined ? [] : keysOf(items, `${before}[]`)),
    ...anyOf.flatMap(schema => keysOf(schema, before)),
  ]
}
