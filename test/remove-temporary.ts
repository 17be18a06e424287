import { afterAll } from 'vitest'

import { removeTemporaryDirectories } from './hub-cache.ts'

afterAll(removeTemporaryDirectories)
