import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { withCheckTables } from './check-tables.ts'

const page = join(import.meta.dirname, '../../docs/validate.md')
writeFileSync(page, withCheckTables(readFileSync(page, 'utf8')))
