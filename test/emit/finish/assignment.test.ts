import { describe, expect, it } from 'vitest'

import { assign, parseAssignment } from '../../../src/emit/finish/assignment.ts'
import { failureOf } from '../failure.ts'

const cache = { apiVersion: 'apps.nvidia.com/v1alpha1', kind: 'NIMCache', metadata: { name: 'llama' }, spec: {} }
const service = {
  apiVersion: 'apps.nvidia.com/v1alpha1',
  kind: 'NIMService',
  metadata: { name: 'llama' },
  spec: { replicas: 1, env: [{ name: 'A', value: '1' }], image: { tag: '1.0' } },
}

/** What it makes of the NIMService alone. */
const made = (text: string) => assign([service], parseAssignment(text))[0]

describe('a value goes to its place', () => {
  it.each([
    ['spec.replicas=2', { spec: { ...service.spec, replicas: 2 } }],
    ['spec.image.tag=1.10', { spec: { ...service.spec, image: { tag: '1.10' } } }],
    ['spec.env[0].value=x=y', { spec: { ...service.spec, env: [{ name: 'A', value: 'x=y' }] } }],
    ['spec.env[1].name=B', { spec: { ...service.spec, env: [{ name: 'A', value: '1' }, { name: 'B' }] } }],
    ['spec.a.b=c', { spec: { ...service.spec, a: { b: 'c' } } }],
    [
      'metadata.annotations.example\\.com/team=ml',
      { metadata: { name: 'llama', annotations: { 'example.com/team': 'ml' } } },
    ],
    [
      'metadata.annotations["example.com/a=b"]=c',
      { metadata: { name: 'llama', annotations: { 'example.com/a=b': 'c' } } },
    ],
    ['spec.env=null', { spec: { replicas: 1, image: { tag: '1.0' } } }],
    ['spec.env[0]=null', { spec: { ...service.spec, env: [] } }],
    ['spec.tolerations=[{"key":"gpu"}]', { spec: { ...service.spec, tolerations: [{ key: 'gpu' }] } }],
  ])('%s', (text, changed) => {
    expect(made(text)).toEqual({ ...service, ...changed })
  })

  it.each([
    ['true', true],
    ['false', false],
    ['8', 8],
    ['0', 0],
    ['-1', -1],
    ['007', '007'],
    ['1.5', '1.5'],
    ['"8"', '8'],
    ['', ''],
    ['a,b', 'a,b'],
    ['{a,2}', ['a', 2]],
    ['{"a":1}', { a: 1 }],
    ['a\nb', 'a\nb'],
  ])('of the type that helm would take: %j', (text, value) => {
    expect(parseAssignment(`spec.x=${text}`).value).toEqual(value)
  })

  it('of the object that is named, by kind or by kind and name, and leaves the others and its input alone', () => {
    const other = { ...service, metadata: { name: 'other' } }
    const before = structuredClone([cache, service, other])
    expect(assign([cache, service], parseAssignment('nimservice:spec.replicas=2'))[1]).toMatchObject({
      spec: { replicas: 2 },
    })
    const [first, second, third] = assign([cache, service, other], parseAssignment('NIMService/other:spec.replicas=2'))
    expect([first, second]).toEqual([cache, service])
    expect(third).toMatchObject({ spec: { replicas: 2 } })
    expect([cache, service, other]).toEqual(before)
  })
})

it.each([
  ['spec.replicas', 'ASSIGNMENT_INVALID', 'PATH=VALUE'],
  ['=2', 'ASSIGNMENT_INVALID', 'PATH=VALUE'],
  ['spec..replicas=2', 'ASSIGNMENT_INVALID', 'no path'],
  ['spec.env[x]=2', 'ASSIGNMENT_INVALID', 'no path'],
  ['spec.env[2].name=x', 'ASSIGNMENT_INVALID', '1 items'],
  ['spec.replicas.x=1', 'ASSIGNMENT_INVALID', '"x"'],
  ['spec.image[0]=1', 'ASSIGNMENT_INVALID', 'no list'],
  ['spec.x=[1', 'ASSIGNMENT_INVALID', 'JSON'],
  ['__proto__.x=1', 'ASSIGNMENT_INVALID', '__proto__'],
  ['Deployment:spec.replicas=2', 'OBJECT_NOT_EMITTED', 'NIMService/llama'],
  ['spec.replicas=3', 'OBJECT_AMBIGUOUS', 'NIMService/llama'],
])('%s is refused', (text, code, why) => {
  const objects = code === 'ASSIGNMENT_INVALID' ? [service] : [cache, service]
  const failure = failureOf(() => assign(objects, parseAssignment(text)))
  expect(failure).toMatchObject({ category: 'usage', code })
  expect(`${failure.message} ${failure.why}`).toContain(why)
})
