import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import { buildStandInImages } from '../../fixtures/stand-in/image.ts'
import { startNgc } from '../../fixtures/stand-in/ngc.ts'
import { nimctl, succeeded } from '../e2e/nimctl.ts'
import { buildOwnImage, ownImage } from '../own-image/build.ts'
import { startDocker } from '../servers/docker.ts'
import { requireParts } from '../servers/install.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { builtEngine, llamaEngine, models } from './models.ts'
import { push } from './start-cluster.ts'

/** node test/cluster/outside-main.ts PREFIX CACHES: how a command runs in the node's network, as JSON, and a folder. */
const [inNetwork, caches]: [string[], string] = [JSON.parse(process.argv[2] ?? ''), process.argv[3] ?? '']

await requireParts(['docker', 'skopeo'])
const engine = await startDocker({ inMemory: true })
try {
  await fillCaches()
  await buildOwnImage(engine.host)
  // Compressed a little: they are read once, on this machine.
  const flags = ['--src-daemon-host', engine.host, '--dest-compress-level', '1']
  await push(`docker-daemon:${ownImage}`, ownImage, { inNetwork, flags })
} finally {
  await engine.stop()
}

/** With weights that take a while to load: a loader shall be killed in the midst of them. */
async function fillCaches(): Promise<void> {
  const home = makeTemporaryDirectory()
  const docker = connectEngine(engine.host)
  const only = models.map(({ image }) => image.reference)
  const [ngc] = await Promise.all([startNgc({ sizeFactor: 40 }), buildStandInImages({ docker, only }), mkdir(caches)])
  const toNgc = { NGC_API_ENDPOINT: ngc.endpoint, NGC_AUTH_ENDPOINT: ngc.endpoint, NGC_API_SCHEME: 'http' }
  const flags = ['--network', 'host', ...Object.keys(toNgc).flatMap(name => ['--env', name])]
  const env = { ...toNgc, NGC_API_KEY: 'nvapi-outside', DOCKER_HOST: engine.host, HOME: home.path }
  try {
    for (const { name, image, profiles } of models) {
      const ids = profiles.flatMap(({ id }) => ['--profile', id])
      succeeded(await nimctl(['cache', image.reference, join(caches, name), ...ids, ...flags], { env }))
    }
    await leaveEngine(join(caches, llamaEngine.name))
  } finally {
    await ngc.stop()
    home.remove()
  }
}

async function leaveEngine(cache: string): Promise<void> {
  const engine = join(cache, builtEngine)
  await mkdir(dirname(engine), { recursive: true })
  await writeFile(engine, 'built')
  const entry = { model: 'llama', tags: { model_name: 'llama-built' }, workspace: { components: [] } }
  await writeFile(join(cache, 'local_cache/local_manifest.yaml'), JSON.stringify({ ['b'.repeat(64)]: entry }))
}
