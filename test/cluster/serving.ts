import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { promisify } from 'node:util'

import { inject, vi } from 'vitest'

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

/** What a NIM is to say of itself that serves what it found, and could ask nobody. */
export const servingOffline = { health: 'Service is ready.', servedBy: 'stand-in', downloads: false, keys: '' }

/** What a deployed NIM says, through the Service of its name, as a client in the cluster asks; and what its pod knows. */
export async function askNim(name: string, { kubectl }: Workplace): Promise<typeof servingOffline> {
  await kubectl(['rollout', 'status', `deploy/${name}`, '--timeout=150s'])
  const jsonpath = 'jsonpath={.spec.clusterIP}:{.spec.ports[0].port}'
  const address = await kubectl(['get', 'service', name, '-o', jsonpath])
  // The pod is ready a moment before the node has the Service's address.
  const health = await vi.waitFor(() => curl(`http://${address}/v1/health/ready`), { timeout: 20_000, interval: 200 })
  const models = await curl(`http://${address}/v1/models`)
  const log = await kubectl(['logs', `deploy/${name}`])
  const keys = await kubectl(['exec', `deploy/${name}`, '--', 'sh', '-c', 'echo "$NGC_API_KEY$HF_TOKEN"'])
  return {
    health: JSON.parse(health).message,
    servedBy: JSON.parse(models).data[0].owned_by,
    downloads: log.includes('fetching filemap'),
    keys: keys.trim(),
  }
}

async function curl(address: string): Promise<string> {
  const [command, ...args] = [...inNetwork, 'curl', '-sSf', '--max-time', '10', address]
  return (await promisify(execFile)(command, args)).stdout
}

/** All but what is nimctl's own. */
export async function listModelFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true })
  return names.filter(name => name !== '.nimctl' && !name.startsWith('.nimctl/')).toSorted()
}
