import type { IncomingMessage } from 'node:http'

import { afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest'

import { parseMirrorTarget } from '../../src/image/mirror-plan.ts'
import { mirrorImages } from '../../src/image/mirror.ts'
import { parseImageReference } from '../../src/image/reference.ts'
import { openSkopeo } from '../../src/image/skopeo.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'
import { pushImages } from './push-images.ts'

const signal = new AbortController().signal
const access = () => ({ tlsVerify: false })

let registry: string
let proxy: FaultProxy
let digest: string
beforeAll(async () => {
  registry = inject('registryHost')
  digest = (await pushImages(`http://${registry}`, 'faults/app', 'list')).images[0] ?? ''
})
beforeEach(async () => {
  proxy = await startFaultProxy(`http://${registry}`)
})
afterEach(() => proxy.stop())

async function mirror(source: string, to: string) {
  const events: ProgressEvent[] = []
  const context = {
    copier: await openSkopeo({ env: process.env, signal }),
    signal,
    report: (event: ProgressEvent) => events.push(event),
  }
  const request = { retries: 3, parallel: 1, keepGoing: false, sourceAccess: access, destinationAccess: access }
  const targets = { sources: [parseImageReference(source)], to: parseMirrorTarget(to) }
  return { ...(await mirrorImages({ ...request, ...targets }, context)), events }
}

const host = () => proxy.endpoint.replace('http://', '')

function everyThird(): () => boolean {
  let count = 0
  return () => ++count % 3 === 0
}

function answer500(): void {
  proxy.always(everyThird(), { type: 'answer', status: 500, body: '' })
}

/** With a body, while it is on its way; else before the request is read. */
function cut(): void {
  const isThird = everyThird()
  let hit = false
  const hasBody = ({ headers }: IncomingMessage) =>
    Boolean(headers['transfer-encoding'] ?? Number(headers['content-length'] ?? 0))
  proxy.always(
    request => {
      hit = isThird()
      return hit && hasBody(request)
    },
    { type: 'reset' },
  )
  proxy.always(() => hit, { type: 'refuse' })
}

function lose(): void {
  proxy.always(everyThird(), { type: 'lose-answer' })
}

it.each([
  { says: 'answers every third request with 500', hurt: answer500 },
  { says: 'cuts every third request', hurt: cut },
  { says: 'does what every third request wants, and its answer is lost', hurt: lose },
])('ends right where the destination $says', async ({ hurt }) => {
  hurt()
  const { ok, images, events } = await mirror(
    `${registry}/faults/app@${digest}`,
    `${host()}/${hurt.name}-${process.pid}`,
  )
  expect({ ok, images }).toMatchObject({ ok: true, images: [{ status: 'copied', sourceDigest: digest, digest }] })
  expect(events.filter(({ event }) => event === 'retrying').length).toBeGreaterThan(2)
})

it.each([
  { says: 'answers every third request with 500', hurt: answer500 },
  { says: 'cuts every third request', hurt: cut },
])('ends right where the source $says', async ({ hurt }) => {
  hurt()
  const { ok, images } = await mirror(`${host()}/faults/app@${digest}`, `${registry}/from-${hurt.name}-${process.pid}`)
  expect({ ok, images }).toMatchObject({ ok: true, images: [{ status: 'copied', sourceDigest: digest, digest }] })
})
