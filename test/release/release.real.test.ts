import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import * as tar from 'tar'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { platforms } from '../../.ci/release/archive.ts'
import { productionPackages } from '../../.ci/release/production-packages.ts'
import { readTree } from '../e2e/trees.ts'
import { makeHubCache, removeTemporaryDirectories, temporaryDirectory } from '../hub-cache.ts'
import { findProgram } from '../servers/locate.ts'
import { rootPrefix } from '../servers/root.ts'
import { makeCheckout, nameRelease, type Checkout } from './checkout.ts'

const { version } = JSON.parse(await readFile('package.json', 'utf8'))
const archiveName = (platform: string) => `nimctl-${version}-${platform}.tar.gz`
const packages = Object.values(platforms).flatMap(productionPackages)

let checkout: Checkout
let out: string
let said: string
beforeAll(async () => {
  checkout = await makeCheckout()
  await nameRelease(checkout, version)
  out = join(checkout.path, 'release')
  said = await succeeding('release', '--', '--dry-run')
}, 600_000)
afterAll(removeTemporaryDirectories)

/** @returns what it printed. Nothing may be complained about. */
async function succeeding(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await checkout.npmRun(...args)
  if (exitCode !== 0 || stderr !== '') throw new Error(`npm run ${args.join(' ')} ended with ${exitCode}:\n${stderr}`)
  return stdout
}

const namesIn = async (file: string) => {
  const names: string[] = []
  await tar.list({ file, onReadEntry: ({ path }) => names.push(path) })
  return names
}

it('makes every file of a release, with sums that hold, and publishes nothing', async () => {
  const made = [
    `nimctl-${version}.tgz`,
    archiveName('linux-x64'),
    archiveName('linux-arm64'),
    'nimctl.cdx.json',
    'PROVENANCE.md',
  ]
  expect((await readdir(out)).toSorted()).toEqual([...made, 'SHA256SUMS'].toSorted())
  const checked = execFileSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: out, encoding: 'utf8' })
  expect(checked.trim().split('\n').toSorted()).toEqual(made.map(name => `${name}: OK`).toSorted())
  expect(said).toContain('Nothing was published. To publish it:')
  expect(said).toContain(`npm publish ${join(out, `nimctl-${version}.tgz`)}`)
  expect(await checkout.git('tag', '--list')).toBe('')
  expect(await checkout.git('status', '--porcelain')).toBe('')
})

describe('the npm package', () => {
  it('holds the program and nothing of its making', async () => {
    const names = await namesIn(join(out, `nimctl-${version}.tgz`))
    const others = names.filter(name => !/^package\/(?:dist\/[\w/-]+\.js|docs\/nimctl\.schema\.json)$/.test(name))
    expect(others.toSorted()).toEqual([
      'package/CHANGELOG.md',
      'package/LICENSE',
      'package/README.md',
      'package/bin/download-to-cache.js',
      'package/bin/nimctl.js',
      'package/package.json',
    ])
    expect(names).toContain('package/dist/cli/main.js')
  })

  it('weighs what docs/dependencies.md says, runs no script, and brings no Node.js', async () => {
    const directory = await temporaryDirectory()
    await tar.extract({ file: join(out, `nimctl-${version}.tgz`), cwd: directory })
    const published = JSON.parse(await readFile(join(directory, 'package/package.json'), 'utf8'))
    const { name, bin, engines, dependencies, type } = JSON.parse(await readFile('package.json', 'utf8'))
    expect(published).toMatchObject({ name, bin, engines, dependencies, type })
    for (const field of ['private', 'scripts', 'devDependencies', 'optionalDependencies'])
      expect(published).not.toHaveProperty(field)

    const [, documented] = /(\d+\.\d) MiB unpacked/.exec(await readFile('docs/dependencies.md', 'utf8')) ?? []
    const mebibytes = (await sizeBelow(directory)) / 2 ** 20
    expect(mebibytes / Number(documented)).toBeGreaterThan(0.8)
    expect(mebibytes / Number(documented)).toBeLessThan(1.2)
  })

  it('says in one sentence which Node.js it needs, before any of its packages is there', async () => {
    const directory = await temporaryDirectory()
    await tar.extract({ file: join(out, `nimctl-${version}.tgz`), cwd: directory })
    const old = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.19.0'})`
    const args = ['--import', old, join(directory, 'package/bin/nimctl.js'), 'version']
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect({ status, stdout }).toEqual({ status: 7, stdout: '' })
    expect(stderr).toMatch(/^Error: nimctl needs Node\.js 22\.15 or newer; this is 20\.19\.0\.\n.*\n$/)
  })
})

async function sizeBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

function programNamed(name: string): string {
  const path = findProgram(name)
  if (path === undefined) throw new Error(`This machine has no ${name}.`)
  return path
}

describe('the archive', () => {
  /** Runs in a place where the shell finds what it needs and no Node.js, and the network has no routes. */
  async function unpacked() {
    const home = join(await temporaryDirectory(), 'a name with spaces')
    await mkdir(join(home, 'path'), { recursive: true })
    await tar.extract({ file: join(out, archiveName('linux-x64')), cwd: home })
    for (const name of ['sh', 'readlink', 'dirname']) await symlink(programNamed(name), join(home, 'path', name))
    // Two links, one of them relative, as package managers and people leave them.
    await symlink(join(home, `nimctl-${version}-linux-x64`, 'nimctl'), join(home, 'linked'))
    await symlink('../linked', join(home, 'path/nimctl'))
    const sudo = rootPrefix()
    if (sudo === undefined) throw new Error('A network namespace needs root, or sudo without a password.')
    const path = join(home, 'path')
    const env = [`PATH=${path}`, `HOME=${home}`, 'NO_COLOR=1', 'AWS_EC2_METADATA_DISABLED=true']
    const run = (...args: string[]) => {
      const [program = '', ...rest] = [...sudo, 'unshare', '--net', 'env', '-i', ...env, 'nimctl', ...args]
      return execFileSync(program, rest, { cwd: home, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    }
    return { home, path, run }
  }

  it('runs the flow without Node.js in PATH, without a network, under a name with spaces', async () => {
    const { home, path, run } = await unpacked()
    expect((await readdir(path)).toSorted()).toEqual(['dirname', 'nimctl', 'readlink', 'sh'])
    await makeHubCache(join(home, 'cache'))
    const store = pathToFileURL(join(home, 'store')).href

    expect(JSON.parse(run('version', '--json'))).toMatchObject({ version })
    expect(run('upload', 'cache', store)).toMatch(/^Inventory: sha256:/m)
    expect(run('list', store)).toContain('test-model')
    run('validate', 'store', store, '--deep')
    run('download', store, 'back')
    run('validate', 'cache', 'back', '--deep')
    expect(await readTree(join(home, 'back'))).toEqual(await readTree(join(home, 'cache')))
    const registry = ['--image-registry', 'registry.internal', '--loader-image', 'registry.internal/nimctl:1']
    const address = ['--store-url', 's3://models/llama', '--region', 'us-east-1']
    expect(run('emit', 'stack', 'llama', '--cache', store, ...address, ...registry)).toContain('kind: NIMCache')
  })

  it('holds every production package of its platform, all licences, and no package for development', async () => {
    for (const [platform, chosen] of Object.entries(platforms)) {
      const prefix = `nimctl-${version}-${platform}`
      const names = await namesIn(join(out, archiveName(platform)))
      const wanted = productionPackages(chosen).map(({ path }) => `${prefix}/${path}/package.json`)
      expect(wanted.filter(name => !names.includes(name))).toEqual([])
      expect(names.filter(name => /node_modules\/(typescript|vitest|oxlint|node-linux-\w+)\//.test(name))).toEqual([])
      for (const file of ['LICENSE', 'LICENSES.txt', 'node/LICENSE', 'node/bin/node', 'nimctl'])
        expect(names).toContain(`${prefix}/${file}`)
      expect(names).toEqual(names.toSorted())
    }
  })

  it('for arm64 has the programs of that processor; nothing here can run them', async () => {
    const home = await temporaryDirectory()
    await tar.extract({ file: join(out, archiveName('linux-arm64')), cwd: home, strip: 1 })
    const native = (await readdir(home, { recursive: true })).filter(name => name.endsWith('.node'))
    expect(native.length).toBeGreaterThan(0)
    for (const file of ['node/bin/node', ...native]) {
      const head = (await readFile(join(home, file))).subarray(0, 20)
      // e_machine of an ELF header; 183 is AArch64.
      expect([file, head.readUInt16LE(18)]).toEqual([file, 183])
    }
  })

  it('has the same bytes when it is made again', async () => {
    await succeeding('archive', '--', '--out', 'again')
    const again = await readFile(join(checkout.path, 'again', archiveName('linux-x64')))
    expect(again.equals(await readFile(join(out, archiveName('linux-x64'))))).toBe(true)
  }, 300_000)
})

it('lists every production package with its version as CycloneDX', async () => {
  const bill = JSON.parse(await readFile(join(out, 'nimctl.cdx.json'), 'utf8'))
  expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'nimctl', version } } })
  const listed = bill.components.map(({ purl }: Record<string, string>) => purl)
  const lock = JSON.parse(await readFile('package-lock.json', 'utf8'))
  // Where `overrides` put an empty package in the place of another, that is what it is made of.
  const wanted = packages.map(({ name, version, path }) => {
    const installed: string = lock.packages[path].name ?? name
    return `pkg:npm/${installed.replace('@', '%40')}@${version}`
  })
  expect(wanted.filter(purl => !listed.includes(purl))).toEqual([])
  const references = new Set([bill.metadata.component['bom-ref'], ...bill.components.map(refOf)])
  for (const { ref, dependsOn } of bill.dependencies)
    expect([ref, ...dependsOn].filter((each: string) => !references.has(each))).toEqual([])
})

const refOf = (component: Record<string, string>) => component['bom-ref']

it('says where it comes from, and how to compare', async () => {
  const text = await readFile(join(out, 'PROVENANCE.md'), 'utf8')
  const lockSum = execFileSync('sha256sum', ['package-lock.json'], { cwd: checkout.path, encoding: 'utf8' }).split(
    ' ',
  )[0]
  expect(text).toContain(`commit | \`${await checkout.git('rev-parse', 'HEAD')}\``)
  expect(text).toContain(`sha256:${lockSum}`)
  expect(text).toContain(`Node.js ${process.versions.node}`)
  expect(text).toContain('has not been run')
  expect(text).not.toContain('not committed')
})

it('refuses a changed tree and a tag that exists, and makes nothing', async () => {
  await checkout.git('tag', `v${version}`)
  await writeFile(join(checkout.path, 'LICENSE'), 'another one')
  const { exitCode, stdout, stderr } = await checkout.npmRun('release', '--', '--out', 'refused')
  expect(stderr).toMatch(/^Refused: Files are changed.*\nRefused: The tag v\S+ exists/)
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
  expect(await readdir(checkout.path)).not.toContain('refused')
})
