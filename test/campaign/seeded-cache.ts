import { makeHubCache } from '../hub-cache.ts'
import type { Seeded } from '../seeded.ts'

const mebibyte = 2 ** 20

/** Some blobs that go in several parts of 5 MiB and come in several ranges of 8, two versions that share one, small files. */
export async function makeSeededCache(
  root: string,
  random: Seeded,
  { smallFiles = 40 }: { smallFiles?: number | undefined } = {},
): Promise<void> {
  const blob = (least: number, most: number) => random.bytes(least * mebibyte + random.below((most - least) * mebibyte))
  const shared = blob(9, 12)
  const small = Array.from({ length: smallFiles }, (_, index) => [
    `${random.pick(['config', 'tokenizer', 'deep/er'])}/${index}.json`,
    random.bytes(random.pick([1, 100, 4096, 70_000])),
  ])
  await makeHubCache(root, {
    models: [
      {
        repository: 'nim/meta/campaign',
        version: 'one',
        files: {
          'model-1.safetensors': shared,
          'model-2.safetensors': blob(17, 20),
          'empty.txt': '',
          ...Object.fromEntries(small),
        },
      },
      {
        repository: 'nim/meta/campaign',
        version: 'two',
        files: { 'rank0.engine': blob(5, 8), 'model-1.safetensors': shared, 'LICENSE.txt': 'licence' },
      },
    ],
  })
}
