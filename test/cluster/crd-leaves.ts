import { readFileSync } from 'node:fs'

import { parse } from 'yaml'

import { isObject, type Schema } from '../emit/structural-schema.ts'
import { crdFiles } from './crds.ts'

/** Every field of the CRDs that holds a value: `NIMCache spec.storage.pvc.size`. Of lists `[]`, of maps the map itself. */
export function crdLeaves(version: string): string[] {
  return [...readSchemas(version)].flatMap(([kind, schema]) => leaves(schema, '').map(path => `${kind} ${path}`))
}

/** Those of them that an object sets. */
export function setLeaves(objects: readonly Record<string, unknown>[], version: string): Set<string> {
  const schemas = readSchemas(version)
  const found = objects.flatMap(object => {
    const schema = schemas.get(String(object['kind']))
    return schema === undefined ? [] : setIn(object, schema, '').map(path => `${String(object['kind'])} ${path}`)
  })
  return new Set(found)
}

function readSchemas(version: string): Map<string, Schema> {
  const entries = crdFiles(version).map((file): [string, Schema] => {
    const { spec } = parse(readFileSync(file, 'utf8'))
    const { properties } = spec.versions[0].schema.openAPIV3Schema
    return [spec.names.kind, { type: 'object', properties: { spec: properties.spec } }]
  })
  return new Map(entries)
}

function leaves(schema: Schema, path: string): string[] {
  if (schema.properties !== undefined)
    return Object.entries(schema.properties).flatMap(([name, field]) => leaves(field, join(path, name)))
  if (schema.items !== undefined) return leaves(schema.items, `${path}[]`)
  return [path]
}

function setIn(value: unknown, schema: Schema, path: string): string[] {
  const { properties, items } = schema
  if (properties !== undefined) {
    const entries = isObject(value) ? Object.entries(value) : []
    return entries.flatMap(([name, each]) => {
      const field = properties[name]
      return field === undefined ? [] : setIn(each, field, join(path, name))
    })
  }
  if (items === undefined) return [path]
  return Array.isArray(value) ? value.flatMap(each => setIn(each, items, `${path}[]`)) : []
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
