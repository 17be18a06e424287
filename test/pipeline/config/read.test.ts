import { describe, expect, it } from 'vitest'

import { parseConfig } from '../../../src/pipeline/config/read.ts'
import { renderTemplate, templateDefaults } from '../../../src/pipeline/config/template.ts'
import { NimctlError } from '../../../src/system/errors.ts'

const env = { REGION: 'eu-central-1', EMPTY: '' }
const read = (text: string) => parseConfig(text, { file: 'nimctl.yaml', env })

/** `LINE:COLUMN PATH: what is wrong; right would be: …`, one a mistake. */
function mistakesOf(text: string): string[] {
  try {
    read(text)
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'CONFIG_INVALID')
      return (error.why ?? '').split('\n').map(line => line.replace('nimctl.yaml:', ''))
    throw error
  }
  return []
}

const model = '  - name: llama\n    image: nvcr.io/nim/meta/llama:1\n    profiles: { all: true }\n'
const file = (rest: string) => `version: 1\nstores:\n  inside: { url: s3://models }\nmodels:\n${model}${rest}`

describe('a wrong file is answered with line, path, what is wrong and what is right', () => {
  it.each<[string, string, string[]]>([
    ['no YAML', 'version: [1', [expect.stringMatching(/^1:12: Flow sequence/)]],
    ['two keys of one name', 'version: 1\nversion: 1\n', [expect.stringMatching(/^2:1: Map keys must be unique/)]],
    ['an empty file', '', ['1:1: it is empty; right would be: version, models, and where they go']],
    ['a list', '- a', ['1:1: this is a list; right would be: version, models, and where they go']],
    ['no version', `models:\n${model}`, ['1:1: version: it is missing; right would be: 1: the version of this format']],
    [
      'another version',
      `version: 2\nmodels:\n${model}`,
      ['1:10: version: 2 is a number; right would be: 1: the version of this format'],
    ],
    ['no models', 'version: 1', ['1:1: models: it is missing; right would be: a list of models']],
    [
      'an empty list of models',
      'version: 1\nmodels: []',
      ['2:9: models: the list is empty; right would be: a list of models'],
    ],
    [
      'a key that is nearly right',
      file('    uplaod: []\n'),
      ['8:5: models[0].uplaod: there is no uplaod here; right would be: upload'],
    ],
    [
      'a key of another tool',
      file('    kind: NIMCache\n'),
      [
        '8:5: models[0].kind: there is no kind here; right would be: name, image, profiles, cache, mirror, upload, emit',
      ],
    ],
    [
      'a name with a capital',
      'version: 1\nmodels:\n  - name: Llama\n    image: a/b:1\n    profiles: { all: true }',
      ['3:11: models[0].name: "Llama" won\'t do; right would be: a name of lower-case letters, digits, - and .'],
    ],
    [
      'no image',
      'version: 1\nmodels:\n  - name: llama\n    profiles: { all: true }',
      [
        '3:5: models[0].image: it is missing; right would be: an image, such as nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4',
      ],
    ],
    [
      'a number for an image',
      'version: 1\nmodels:\n  - name: llama\n    image: 1.8\n    profiles: { all: true }',
      [
        '4:12: models[0].image: 1.8 is a number; right would be: an image, such as nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4',
      ],
    ],
    [
      'two models of one name',
      file(model),
      ['8:11: models[1].name: models[0] has this name already; right would be: another name'],
    ],
    [
      'no choice of profiles',
      'version: 1\nmodels:\n  - name: llama\n    image: a/b:1',
      [
        '3:5: models[0]: nothing says which profiles are wanted; right would be: profiles: with ids, all, or conditions such as gpu and tp',
      ],
    ],
    [
      'an empty choice',
      'version: 1\nmodels:\n  - name: llama\n    image: a/b:1\n    profiles: {}',
      ['5:15: models[0].profiles: nothing is chosen; right would be: ids, all: true, or conditions such as gpu and tp'],
    ],
    [
      'all and a condition',
      'version: 1\nmodels:\n  - name: llama\n    image: a/b:1\n    profiles: { all: true, tp: 2 }',
      ['5:15: models[0].profiles: all leaves nothing to choose for tp; right would be: all: true alone'],
    ],
    [
      'profiles and a model address',
      file('    cache: { modelUri: "hf://a/b" }\n'),
      ['5:5: models[0]: profiles and cache.modelUri exclude each other; right would be: one of them'],
    ],
    [
      'tensor parallelism as a word',
      'version: 1\nmodels:\n  - name: llama\n    image: a/b:1\n    profiles: { tp: two }',
      ['5:21: models[0].profiles.tp: "two" won\'t do; right would be: a number of GPUs, 1 or more'],
    ],
    [
      'an unknown quality',
      'version: 1\nmodels:\n  - name: llama\n    image: a/b:1\n    profiles: { qos: fast }',
      [
        '5:22: models[0].profiles.qos: "fast" won\'t do; right would be: what it is tuned for: throughput, latency, balanced',
      ],
    ],
    [
      'a store that is not there',
      file('    upload: [{ store: insid }]\n'),
      ['8:23: models[0].upload[0].store: there is no store insid; right would be: inside'],
    ],
    [
      'a store without URL',
      'version: 1\nstores:\n  inside: { region: a }\nmodels:\n' + model,
      ['3:11: stores.inside.url: it is missing; right would be: the URL of a bucket or prefix, such as s3://models'],
    ],
    [
      'an unknown setting of a store',
      'version: 1\nstores:\n  inside: { url: s3://a, endpointURL: x }\nmodels:\n' + model,
      ['3:26: stores.inside.endpointURL: there is no endpointURL here; right would be: endpointUrl'],
    ],
    [
      'an unknown layout',
      file('    upload: [{ store: inside, layout: flat }]\n'),
      ['8:39: models[0].upload[0].layout: "flat" won\'t do; right would be: the layout: cache, ngc, tar'],
    ],
    [
      'two destinations in one place',
      file('    upload: [{ store: inside }, { store: inside, prefix: llama }]\n'),
      ['8:33: models[0].upload[1]: upload[0] goes to inside/llama already; right would be: another store or prefix'],
    ],
    [
      'two models in one place',
      `version: 1\nstores:\n  inside: { url: s3://models }\ndefaults:\n  upload: [{ store: inside, prefix: same }]\nmodels:\n${model}${model.replace('llama\n', 'other\n')}`,
      ['10:5: models[1]: models[0] goes to inside/same too; right would be: a prefix of its own'],
    ],
    [
      'a prefix that leaves the store',
      file('    upload: [{ store: inside, prefix: ../other }]\n'),
      ['8:39: models[0].upload[0].prefix: "../other" leaves the store\'s URL; right would be: other'],
    ],
    [
      'objects without a store',
      file('    emit: [{ kind: stack, write: a.yaml }]\n'),
      ['8:12: models[0].emit[0]: objects need a store to point at; right would be: upload: with a destination'],
    ],
    [
      'objects of a store that it is not in',
      file('    upload: [{ store: inside }]\n    emit: [{ kind: stack, write: a.yaml, store: other }]\n'),
      [
        '9:49: models[0].emit[0].store: there is no store other; right would be: inside',
        '9:12: models[0].emit[0]: the model is not uploaded to other; right would be: inside',
      ],
    ],
    [
      'a wrong duration',
      file('run: { timeouts: { cache: soon } }\n'),
      ['8:27: run.timeouts.cache: "soon" won\'t do; right would be: a duration such as 30m, 12h or 2d'],
    ],
    [
      'a variable that is not set',
      file('    mirror: { to: "${REGISTRY}" }\n'),
      ['8:19: ${REGISTRY} is not set in the environment; right would be: ${REGISTRY:-text} gives it a default'],
    ],
    [
      'several at once',
      'version: 1\nmodels:\n  - name: L\n    image: ""\n    profiles: { tp: 0 }\n',
      [
        '3:11: models[0].name: "L" won\'t do; right would be: a name of lower-case letters, digits, - and .',
        '4:12: models[0].image: "" won\'t do; right would be: an image, such as nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4',
        '5:21: models[0].profiles.tp: 0 is a number; right would be: a number of GPUs, 1 or more',
      ],
    ],
    [
      'aliases without end',
      `version: 1\na: &a [1]\nb: &b [${'*a,'.repeat(99)}*a]\nc: [${'*b,'.repeat(99)}*b]\n`,
      [expect.stringContaining('Excessive alias count')],
    ],
  ])('%s', (_, text, expected) => {
    expect(mistakesOf(text).toSorted()).toEqual(expected.toSorted())
  })

  it('without showing what a variable holds', () => {
    const { REGION } = env
    const [mistake] = mistakesOf(file('run: { maxDisk: "${REGION}" }\n'))
    expect(mistake).toContain('run.maxDisk')
    expect(mistake).toContain(REGION)
  })
})

describe('a right file', () => {
  it('takes variables, defaults of variables, and dollar signs', () => {
    const text = file('    mirror: { to: "${HOST:-registry.internal:5000}/$$/${REGION}" }\n')
    expect(read(text).models[0]?.mirror).toEqual({ to: 'registry.internal:5000/$/eu-central-1' })
  })

  it('is what nimctl init writes, whatever is answered', () => {
    expect(mistakesOf(renderTemplate(templateDefaults))).toEqual([])
    const odd = { ...templateDefaults, image: 'a/b:"1"', storeUrl: 'file:///a b#c' }
    expect(read(renderTemplate(odd))).toMatchObject({
      models: [{ image: odd.image }],
      stores: { inside: { url: odd.storeUrl } },
    })
  })
})
