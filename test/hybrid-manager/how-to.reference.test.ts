import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { expect, it } from 'vitest'

import { defaultModels } from '../../fixtures/stand-in/hybrid-manager.ts'
import { modelFolder } from '../../src/transfer/model-folder.ts'

const reference = process.env['NIMCTL_REFERENCE_DIR'] ?? resolve(import.meta.dirname, '../../../shared')
const howTo = readFileSync(join(reference, 'seeds/001_38fcdd6b86925fe3.txt'), 'utf8')

it('the default models are those of the how-to, in its order', () => {
  const listed = [...howTo.matchAll(/^(nvcr\.io\/nim\/\S+)$/gm)].map(([image]) => image)
  expect(defaultModels.map(({ imageUrl }) => imageUrl)).toEqual(listed)
})

it('a folder is named as in the how-to', () => {
  const [, folder] = /^model-cache\/\n└── (\S+)$/m.exec(howTo) ?? []
  expect(defaultModels.map(({ imageUrl = '' }) => modelFolder(imageUrl))).toContain(folder)
})
