import { parseAllDocuments } from 'yaml'

import { isPlain, listAt, textAt } from '../../operator/plain.ts'
import { NimctlError } from '../../system/errors.ts'
import type { PipelineService, ServiceDependency } from './nimpipeline.ts'

/**
 * The NIMServices of a file of objects, in YAML or JSON, as emit or a person wrote it. Other objects are left to whoever
 * applies the file.
 *
 * @throws NimctlError `usage` / `SERVICE_FILE_INVALID`.
 */
export function parseServices(text: string, file: string): PipelineService[] {
  const documents = parseAllDocuments(text, { version: '1.1', prettyErrors: false, logLevel: 'error' })
  const list = Array.isArray(documents) ? documents : []
  const error = list.flatMap(({ errors }) => errors)[0]
  if (error !== undefined) throw invalid(file, `It is no YAML: ${error.message}.`)
  const objects = list.flatMap(document => {
    const value = document.toJS() as unknown
    return textAt(value, 'kind') === 'List' ? listAt(value, 'items') : [value]
  })
  const services = objects.filter(object => textAt(object, 'kind') === 'NIMService')
  if (services.length === 0) throw invalid(file, 'It holds no NIMService.')
  return services.map(service => parseService(service, file))
}

function parseService(service: unknown, file: string): PipelineService {
  const name = textAt(service, 'metadata', 'name')
  const spec = isPlain(service) ? service['spec'] : undefined
  if (name === '' || !isPlain(spec)) throw invalid(file, 'A NIMService needs metadata.name and spec.')
  const namespace = textAt(service, 'metadata', 'namespace')
  return { name, ...(namespace !== '' && { namespace }), spec }
}

/**
 * @param text `SERVICE=OTHER:VARIABLE[=VALUE]`.
 * @throws NimctlError `usage` / `DEPENDENCY_INVALID`.
 */
export function parseDependency(text: string): ServiceDependency {
  const [, service, on, envName, envValue] = /^([^=:]+)=([^=:]+):([A-Za-z_][\w.-]*)(?:=(.+))?$/.exec(text) ?? []
  if (service !== undefined && on !== undefined && envName !== undefined)
    return { service, on, envName, ...(envValue !== undefined && { envValue }) }
  throw new NimctlError('usage', 'DEPENDENCY_INVALID', {
    what: `"${text}" says no dependency.`,
    why: 'It is SERVICE=OTHER:VARIABLE[=VALUE]: the first gets a variable with the address of the other.',
    next: 'Such as: --dependency chat=embedding:EMBEDDING_URL',
  })
}

function invalid(file: string, why: string): NimctlError {
  return new NimctlError('usage', 'SERVICE_FILE_INVALID', {
    what: `${file} holds no NIMService for a pipeline.`,
    why,
    next: `Write one with: nimctl emit nimservice NAME … --write ${file}`,
  })
}
