import { expect, it } from 'vitest'

import { loaderExits } from '../../src/status/exit-codes.ts'
import { exitCodes } from '../../src/system/errors.ts'

it('knows every exit code of nimctl', () => {
  const known = Object.keys(loaderExits).map(Number)
  expect(known.toSorted((a, b) => a - b)).toEqual([...Object.values(exitCodes), 130, 143])
})
