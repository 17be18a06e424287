import { expect, it } from 'vitest'

import { hasFeature, needsAuthSecret, operatorVersions, parseOperatorVersion } from '../../src/operator/versions.ts'
import { failureOf } from '../emit/failure.ts'

it.each([
  ['3.1.2', '3.1.2'],
  ['v3.0.0', '3.0.0'],
  ['3.0.1', '3.0.1'],
  [' main ', 'main'],
])('reads %j as %s', (text, expected) => {
  expect(parseOperatorVersion(text)).toBe(expected)
})

it.each([
  ['3.0.3', '--operator-version 3.0.2:'],
  ['v3.2.0', '--operator-version 3.1.2:'],
  ['3.1.10', '--operator-version 3.1.2:'],
  ['2.0.2', '--operator-version 3.1.2'],
  ['latest', '--operator-version 3.1.2'],
])('does not know %s and offers %s', (text, next) => {
  const failure = failureOf(() => parseOperatorVersion(text))
  expect(failure).toMatchObject({ category: 'usage', code: 'OPERATOR_VERSION_UNKNOWN' })
  expect(failure.next).toContain(next)
})

it('wants an authSecret in every release, and not on main', () => {
  expect(operatorVersions.filter(needsAuthSecret)).toEqual(['3.0.0', '3.0.1', '3.0.2', '3.1.0', '3.1.1', '3.1.2'])
})

it('has a feature from its version on', () => {
  expect(operatorVersions.filter(version => hasFeature(version, 'replicas-zero'))).toEqual([
    '3.1.0',
    '3.1.1',
    '3.1.2',
    'main',
  ])
})
