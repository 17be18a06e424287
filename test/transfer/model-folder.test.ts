import { expect, it } from 'vitest'

import { defaultModels } from '../../fixtures/stand-in/hybrid-manager.ts'
import { fillModelFolder, modelFolder } from '../../src/transfer/model-folder.ts'
import { readPage, section } from '../docs/markdown.ts'

it.each([
  [
    'nvcr.io/nim/nvidia/llama-3.2-nemoretriever-300m-embed-v1:latest',
    'nim-nvidia-llama-3.2-nemoretriever-300m-embed-v1',
  ],
  [`registry.internal:5000/copies/nim/nvidia/nvclip@sha256:${'0'.repeat(64)}`, 'nim-nvidia-nvclip'],
  ['docker-daemon:nim/nvidia/nvclip:1', 'nim-nvidia-nvclip'],
  ['registry.internal/models/llama', 'models-llama'],
  ['oci:/images:nim/nvidia/nvclip:latest', 'nim-nvidia-nvclip'],
  ['oci:/images:1.8.4', undefined],
  ['oci-archive:/image.tar', undefined],
  ['no image', undefined],
])('names the folder of %s', (image, folder) => {
  expect(modelFolder(image)).toBe(folder)
})

it.each([
  ['s3://models/model-cache/{model}/', 's3://models/model-cache/nim-nvidia-nvclip/'],
  ['https://host/{model}/{model}.d', 'https://host/nim-nvidia-nvclip/nim-nvidia-nvclip.d'],
  ['s3://models/llama', 's3://models/llama'],
])('fills %s', (destination, filled) => {
  expect(fillModelFolder(destination, 'nvcr.io/nim/nvidia/nvclip:latest')).toBe(filled)
})

it.each([
  [undefined, 'does not say of which image'],
  ['oci-archive:/image.tar', 'has no such name'],
])('fills nothing in where the image is %s', (image, why) => {
  const refused = { category: 'usage', code: 'MODEL_FOLDER_UNKNOWN', why: expect.stringContaining(why) }
  expect(() => fillModelFolder('s3://models/{model}', image)).toThrow(expect.objectContaining(refused))
  expect(fillModelFolder('s3://models/llama', image)).toBe('s3://models/llama')
})

it('docs/hybrid-manager.md has the default models, and the folder of each', () => {
  const table = section(readPage('docs/hybrid-manager.md'), '## 1 What it serves')
  const rows = [...table.matchAll(/^\| `([^`]+)` \| `([^`]+)` \|$/gm)].map(([, image, folder]) => [image, folder])
  expect(rows).toEqual(defaultModels.map(({ imageUrl = '' }) => [imageUrl, modelFolder(imageUrl)]))
})
