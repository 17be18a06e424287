import { expect, it } from 'vitest'

import { catalogue, standIns } from '../../fixtures/stand-in/catalogue.ts'
import { openWorkplace, secret } from './workplace.ts'

const place = await openWorkplace()
const gpus = ['--env', 'STAND_IN_GPUS=26b9:10de NVIDIA L40S x2']
const key = ['--ngc-secret', secret]

it.each(catalogue.filter(({ profiles }) => profiles.length > 0))(
  'lists what a node can run of $reference',
  async image => {
    const outcome = await place.run(['profiles', image.reference, ...key, ...gpus, '--json'])
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' })
    const listing = outcome.json()
    expect(listing).toMatchObject({
      kind: 'ProfileListing',
      source: 'kubernetes',
      image: image.reference,
      imageDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      gpus: [{ name: 'NVIDIA L40S', pciId: '26b9:10de' }, { name: 'NVIDIA L40S' }],
      warnings: [],
    })
    const { profiles } = listing as { profiles: { id: string; section: string; files: number }[] }
    expect(profiles.map(({ id }) => id).toSorted()).toEqual(image.profiles.map(({ id }) => id).toSorted())
    expect(profiles.filter(({ section }) => section === 'runnable').length).toBeGreaterThan(0)
    // Joined with the manifest, which alone knows of files.
    expect(profiles.every(({ files }) => files > 0)).toBe(true)
    expect(await place.left()).toBe('')
  },
)

it('gives the pod the GPUs that it asks for', async () => {
  const capacity = { 'nvidia.com/gpu': '8' }
  const patch = JSON.stringify({ status: { capacity, allocatable: capacity } })
  const [node = ''] = (await place.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ')
  await place.kubectl(['patch', 'node', node, '--subresource=status', '--type=merge', '-p', patch])
  const args = ['profiles', standIns.llm2.reference, ...key, ...gpus, '--section', 'runnable', '--ids']
  const outcome = await place.run([...args, '--gpus', '2'])
  expect(outcome).toMatchObject({ exitCode: 0 })
  expect(outcome.stdout).toMatch(/^[0-9a-f]{64}\n/)
})

it('prints a Job that the API server takes as it is, and that runs', async () => {
  const args = ['profiles', standIns.llm1.reference, ...key, ...gpus, '--dry-run', '-o', 'yaml']
  const { stdout } = await place.run(args, { KUBECONFIG: '/nowhere' })
  await place.kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], stdout)
  await place.kubectl(['apply', '-f', '-'], stdout)
  await place.kubectl(['wait', '--for=condition=Complete', '--timeout=60s', 'job', '--all'])
  expect(await place.kubectl(['logs', '--tail=-1', '-l', 'app.kubernetes.io/managed-by=nimctl'])).toContain(
    'MODEL PROFILES',
  )
  await place.kubectl(['delete', 'job', '--all'])
})
