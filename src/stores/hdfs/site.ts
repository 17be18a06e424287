import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode, errorMessage, NimctlError } from '../../system/errors.ts'

/** Hadoop's settings by name, as the files in a directory of configuration say them. */
export type Properties = ReadonlyMap<string, string>

/** The later one counts, as in Hadoop. A file that is not there says nothing. */
const files = ['core-site.xml', 'hdfs-site.xml']

/** @throws NimctlError `usage` / `HADOOP_CONFIGURATION_INVALID`. */
export async function readSite(directory: string): Promise<Properties> {
  const properties = new Map<string, string>()
  for (const file of files) {
    const text = await readIfThere(join(directory, file))
    for (const [name, value] of parseSite(text)) properties.set(name, value)
  }
  return properties
}

/** `<property><name>…</name><value>…</value></property>`, and nothing else of XML than comments and entities. */
export function parseSite(xml: string): Map<string, string> {
  const properties = new Map<string, string>()
  const withoutComments = xml.replaceAll(/<!--[\s\S]*?-->/g, '')
  for (const [, property = ''] of withoutComments.matchAll(/<property>([\s\S]*?)<\/property>/g)) {
    const name = element(property, 'name')
    const value = element(property, 'value')
    if (name !== undefined && value !== undefined) properties.set(name, value)
  }
  return properties
}

function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]?.trim()
  return text?.replaceAll(/&(amp|lt|gt|quot|apos);/g, (all, entity: string) => entities[entity] ?? all)
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return ''
    throw new NimctlError('usage', 'HADOOP_CONFIGURATION_INVALID', {
      what: `Hadoop's configuration ${path} can't be read.`,
      why: errorMessage(error),
      next: 'Look at HADOOP_CONF_DIR, or name the namenode: --webhdfs-url URL',
      cause: error,
    })
  }
}
