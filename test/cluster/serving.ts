import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { promisify } from 'node:util'

import { expect, inject } from 'vitest'

import type { NimServiceObject } from './as-operator.ts'
import type { NgcInNetwork, Workplace } from './workplace.ts'

const { inNetwork } = inject('clusterNode')

/** There is no GPU, but pods that ask for one are scheduled. */
export async function offerGpus({ kubectl }: Workplace): Promise<void> {
  const capacity = { 'nvidia.com/gpu': '8' }
  const patch = JSON.stringify({ status: { capacity, allocatable: capacity } })
  const [node = ''] = (await kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ')
  await kubectl(['patch', 'node', node, '--subresource=status', '--type=merge', '-p', patch])
}

/** Leads a NIM to the stand-in NGC, without a key: were it to ask, it would be seen. */
export function leading({ url }: NgcInNetwork): { name: string; value: string }[] {
  const endpoint = new URL(url).host
  const names = { NGC_API_ENDPOINT: endpoint, NGC_AUTH_ENDPOINT: endpoint, NGC_API_SCHEME: 'http' }
  return Object.entries(names).map(([name, value]) => ({ name, value }))
}

export function led(service: NimServiceObject, ngc: NgcInNetwork): NimServiceObject {
  const env = leading(ngc)
  return { ...service, spec: { ...service.spec, env: [...(service.spec.env ?? []), ...env] } }
}

/** Through the Service of that name, as a client in the cluster asks; it serves what it found, with no key. */
export async function servesOffline(deployment: string, { kubectl }: Workplace): Promise<void> {
  await kubectl(['rollout', 'status', `deploy/${deployment}`, '--timeout=150s'])
  const jsonpath = 'jsonpath={.spec.clusterIP}:{.spec.ports[0].port}'
  const address = await kubectl(['get', 'service', deployment, '-o', jsonpath])
  expect(await curl(`http://${address}/v1/health/ready`)).toContain('Service is ready.')
  expect(JSON.parse(await curl(`http://${address}/v1/models`))).toMatchObject({ data: [{ owned_by: 'stand-in' }] })
  expect(await kubectl(['logs', `deploy/${deployment}`])).not.toContain('fetching filemap')
  const key = await kubectl(['exec', `deploy/${deployment}`, '--', 'sh', '-c', 'echo "[$NGC_API_KEY$HF_TOKEN]"'])
  expect(key.trim()).toBe('[]')
}

async function curl(address: string): Promise<string> {
  const [command = '', ...args] = [...inNetwork, 'curl', '-sSf', '--max-time', '10', address]
  return (await promisify(execFile)(command, args)).stdout
}

/** All but what is nimctl's own. */
export async function listModelFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true })
  return names.filter(name => name !== '.nimctl' && !name.startsWith('.nimctl/')).toSorted()
}
