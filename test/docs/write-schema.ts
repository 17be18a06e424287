import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { renderConfigSchema, withKeyTable } from './config-schema.ts'

const docs = join(import.meta.dirname, '../../docs')
const page = join(docs, 'nimctl-yaml.md')
writeFileSync(join(docs, 'nimctl.schema.json'), renderConfigSchema())
writeFileSync(page, withKeyTable(readFileSync(page, 'utf8')))
