import { parseAllDocuments } from 'yaml'

import type { EnvVariable, NimContainer } from '../operator/objects.ts'
import { NimctlError } from '../system/errors.ts'
import { nimImage } from './nim-image.ts'

const fields = ['name', 'image', 'command', 'args', 'env', 'workingDir']

/** Why a field of core/v1 does not come here. */
const without: Record<string, string> = {
  envFrom: 'Name each variable: env with valueFrom.secretKeyRef.',
  imagePullPolicy: 'Write it as image.pullPolicy, beside image.repository and image.tag.',
  resources: 'The operator gives such containers none.',
  securityContext: 'It runs as the user and group of the pod (--run-as).',
  volumeMounts: 'The operator mounts /model-store and /scratch, and nothing else.',
}

/**
 * The containers of a YAML file: one, or a list of them. `image` may be a reference, as Kubernetes writes it.
 *
 * @throws NimctlError `usage` / `CONTAINER_INVALID` naming the field.
 */
export function parseContainers(text: string, file: string): NimContainer[] {
  const documents = parseAllDocuments(text, { version: '1.1', prettyErrors: false, logLevel: 'error' })
  const error = Array.isArray(documents) ? documents.flatMap(({ errors }) => errors)[0] : undefined
  if (error !== undefined) throw invalid(file, `It is no YAML: ${error.message}.`)
  const values = Array.isArray(documents) ? documents.map(document => document.toJS() as unknown) : []
  const containers = values.flatMap(value => (Array.isArray(value) ? (value as unknown[]) : [value]))
  if (containers.length === 0) throw invalid(file, 'It is empty.')
  return containers.map(container => parseContainer(container, file))
}

function parseContainer(value: unknown, file: string): NimContainer {
  if (!isFields(value)) throw invalid(file, 'A container is a map with name and image.')
  const { name, image, env, workingDir } = value
  const unknown = Object.keys(value).find(field => !fields.includes(field))
  if (unknown !== undefined)
    throw invalid(
      file,
      `A container of the NIM Operator has no ${unknown}. ${without[unknown] ?? `It has ${fields.join(', ')}.`}`,
    )
  if (typeof name !== 'string' || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))
    throw invalid(file, 'name must be lower-case letters, digits and -.')
  if (env !== undefined && !(Array.isArray(env) && env.every(isVariable)))
    throw invalid(file, `env of ${name} must be a list of name with value or valueFrom.`)
  if (workingDir !== undefined && typeof workingDir !== 'string')
    throw invalid(file, `workingDir of ${name} must be text.`)
  const [command, args] = [words(value, 'command', file), words(value, 'args', file)]
  return {
    name,
    image: parseImage(image, name, file),
    ...(command && { command }),
    ...(args && { args }),
    ...(env !== undefined && { env: env as EnvVariable[] }),
    ...(workingDir !== undefined && { workingDir }),
  }
}

function parseImage(image: unknown, name: string, file: string): NimContainer['image'] {
  if (typeof image === 'string') {
    const { repository, tag } = nimImage(image, {})
    return { repository, tag }
  }
  if (!isFields(image)) throw invalid(file, `image of ${name} is missing.`)
  const { repository, tag, pullPolicy } = image
  if ('pullSecrets' in image)
    throw invalid(file, `image.pullSecrets of ${name} is ignored by the operator: its pod has those of --pull-secret.`)
  if (typeof repository !== 'string' || typeof tag !== 'string')
    throw invalid(file, `image of ${name} needs repository and tag, as text: quote a tag that looks like a number.`)
  return { repository, tag, ...(typeof pullPolicy === 'string' && { pullPolicy }) }
}

function words(value: Record<string, unknown>, field: string, file: string): string[] | undefined {
  const list = value[field]
  if (list === undefined) return undefined
  if (Array.isArray(list) && list.every(word => typeof word === 'string')) return list
  throw invalid(file, `${field} must be a list of texts: quote what looks like a number.`)
}

function isVariable(value: unknown): boolean {
  return (
    isFields(value) &&
    typeof value['name'] === 'string' &&
    (typeof value['value'] === 'string' || isFields(value['valueFrom']))
  )
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(file: string, why: string): NimctlError {
  return new NimctlError('usage', 'CONTAINER_INVALID', {
    what: `${file} holds no container that the NIM Operator would take.`,
    why,
    next: 'Such as: {name: prepare, image: "registry.internal/tools:1.0", command: [sh, -c, "…"]}',
  })
}
