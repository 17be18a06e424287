import { expect, it } from 'vitest'

import type { AnyObject } from '../../src/kubernetes/objects.ts'
import { findOperatorVersion } from '../../src/operator/find-version.ts'
import { standInCluster } from '../kubernetes/stand-in-cluster.ts'

const { signal } = new AbortController()

function operator(image: string, namespace = 'nim-operator'): AnyObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    // What the chart writes there, whatever version it is.
    metadata: { name: 'k8s-nim-operator', namespace, labels: { 'app.kubernetes.io/version': '3.0.0' } },
    spec: { template: { spec: { containers: [{ name: 'manager', image }] } } },
  }
}

function crd(plural: string, spec: object): AnyObject {
  const openAPIV3Schema = { properties: { spec } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.apps.nvidia.com` },
    spec: { versions: [{ name: 'v1alpha1', schema: { openAPIV3Schema } }] },
  }
}

const of300 = crd('nimservices', { required: ['authSecret'], properties: { image: {} } })

it.each([
  ['nvcr.io/nvidia/cloud-native/k8s-nim-operator:v3.1.2', '3.1.2'],
  ['registry.internal:5000/k8s-nim-operator:3.1.0@sha256:0123', '3.1.0'],
  ['ghcr.io/nvidia/k8s-nim-operator:v3.0.1', '3.0.1'],
  ['ghcr.io/nvidia/k8s-nim-operator:v3.9.0-rc.1', '3.1.2'],
  ['ghcr.io/nvidia/k8s-nim-operator:main', 'main'],
])('takes the version from the tag of %s', async (image, version) => {
  const found = await findOperatorVersion(standInCluster({ objects: [operator(image), of300] }), signal)
  expect(found).toMatchObject({ version, by: 'image', evidence: expect.stringContaining(image) })
})

it('passes over a Deployment that only has a like name', async () => {
  const other = operator('registry.internal/k8s-nim-operator-dashboard:v3.1.2')
  expect(await findOperatorVersion(standInCluster({ objects: [other] }), signal)).toBeUndefined()
})

it('asks the CRDs where the image has a digest and no tag', async () => {
  const objects = [operator('ghcr.io/nvidia/k8s-nim-operator@sha256:0123'), of300]
  const found = await findOperatorVersion(standInCluster({ objects }), signal)
  expect(found).toMatchObject({ version: '3.0.0', by: 'crds' })
})

it('asks the CRDs where this user may not see Deployments', async () => {
  const objects = [operator('ghcr.io/nvidia/k8s-nim-operator:v3.1.2'), of300]
  const found = await findOperatorVersion(standInCluster({ objects, forbidden: ['Deployment'] }), signal)
  expect(found).toMatchObject({ version: '3.0.0', by: 'crds' })
})

it('finds none where there is none', async () => {
  expect(await findOperatorVersion(standInCluster({}), signal)).toBeUndefined()
})
