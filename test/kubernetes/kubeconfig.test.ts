import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { findCluster } from '../../src/kubernetes/connect.ts'
import { mergeKubeconfigs, parseKubeconfig } from '../../src/kubernetes/kubeconfig.ts'
import { temporaryDirectory } from '../hub-cache.ts'

const kubeconfig = (name: string, server: string, more = '') => `
apiVersion: v1
kind: Config
current-context: ${name}
clusters: [{name: ${name}, cluster: {server: "${server}", certificate-authority: ca.crt}}]
users: [{name: ${name}, user: {token: t-${name}}}]
contexts: [{name: ${name}, context: {cluster: ${name}, user: ${name}, namespace: ns-${name}}}]
${more}`

const settings = { inCluster: false }

async function write(name: string, text: string): Promise<string> {
  const file = join(await temporaryDirectory(), name)
  await writeFile(file, text)
  return file
}

describe('which cluster', () => {
  it('takes the first current context of several files, and passes over those that are not there', async () => {
    const a = await write('a', kubeconfig('a', 'https://a:6443'))
    const b = await write('b', kubeconfig('b', 'https://b:6443'))
    const list = ['/nowhere/config', a, b].join(':')
    expect(await findCluster({ ...settings, list })).toMatchObject({ server: 'https://a:6443', namespace: 'ns-a' })
    expect(await findCluster({ ...settings, list, context: 'b' })).toMatchObject({ server: 'https://b:6443' })
    expect(await findCluster({ ...settings, list, namespace: 'mine' })).toMatchObject({ namespace: 'mine' })
  })

  it('lets the first file that names something win', () => {
    const [one, two] = ['https://one', 'https://two'].map(server => parseKubeconfig(kubeconfig('same', server), '/k/c'))
    const merged = mergeKubeconfigs([one, two].flatMap(each => (each ? [each] : [])))
    expect(merged.clusters).toMatchObject([{ name: 'same', cluster: { server: 'https://one' } }])
  })

  it('takes --kubeconfig alone', async () => {
    const explicit = await write('explicit', kubeconfig('x', 'https://x'))
    const list = await write('listed', kubeconfig('y', 'https://y'))
    expect(await findCluster({ ...settings, explicit, list })).toMatchObject({ server: 'https://x' })
    await expect(findCluster({ ...settings, explicit: '/nowhere', list })).rejects.toMatchObject({
      code: 'KUBECONFIG_NOT_FOUND',
      category: 'usage',
    })
  })

  it('looks into the home directory last', async () => {
    const home = await mkdtemp(join(await temporaryDirectory(), 'home-'))
    await mkdir(join(home, '.kube'))
    await writeFile(join(home, '.kube/config'), kubeconfig('h', 'https://h'))
    expect(await findCluster({ ...settings, home })).toMatchObject({ server: 'https://h' })
  })

  it.each([
    { title: 'no file', text: undefined, code: 'CLUSTER_NOT_NAMED' },
    { title: 'an unknown context', text: kubeconfig('a', 'https://a'), context: 'b', code: 'CONTEXT_NOT_FOUND' },
    { title: 'no YAML', text: 'a: [', code: 'KUBECONFIG_INVALID' },
    { title: 'another document', text: 'clusters: {a: b}', code: 'KUBECONFIG_INVALID' },
    { title: 'no current context', text: 'clusters: null\nusers:\n', code: 'CLUSTER_NOT_NAMED' },
    {
      title: 'a context without its cluster',
      text: 'current-context: a\ncontexts: [{name: a, context: {cluster: b}}]',
      code: 'KUBECONFIG_INVALID',
    },
  ])('says what is wrong: $title', async ({ title, text, context, code }) => {
    const list = text === undefined ? '/nowhere' : await write(title.replaceAll(' ', '-'), text)
    const asked = { ...settings, list, ...(context !== undefined && { context }) }
    await expect(findCluster(asked)).rejects.toMatchObject({ category: 'usage', code })
  })
})

describe('what kubectl takes and the client library does not', () => {
  it('finds files beside the kubeconfig, and programs with a path', () => {
    const text = `
clusters: [{name: c, cluster: {certificate-authority: ca.crt}}]
users:
  - {name: u, user: {client-certificate: /abs/u.crt, client-key: u.key, tokenFile: token, exec: {command: ./login}}}
  - {name: v, user: {exec: {command: aws}}}`
    const { clusters, users } = parseKubeconfig(text, '/etc/k/config')
    expect(clusters[0]?.cluster).toEqual({ 'certificate-authority': '/etc/k/ca.crt' })
    expect(users[0]?.user).toEqual({
      'client-certificate': '/abs/u.crt',
      'client-key': '/etc/k/u.key',
      tokenFile: '/etc/k/token',
      exec: { command: '/etc/k/login' },
    })
    expect(users[1]?.user).toEqual({ exec: { command: 'aws' } })
  })

  it('reads tokens from files, also where a token stands beside', async () => {
    const token = await write('token', 'from-file')
    const text = kubeconfig('a', 'http://127.0.0.1:8001').replace('token: t-a', `token: old, tokenFile: ${token}`)
    const list = await write('with-token-file', text.replace(', certificate-authority: ca.crt', ''))
    const { config } = await findCluster({ ...settings, list })
    const options: { headers?: Record<string, string> } = {}
    await config.applyToHTTPSOptions(options)
    expect(options.headers).toEqual({ Authorization: 'Bearer from-file' })
  })

  it('lets a log-in program know that it is asked by one', async () => {
    const program = await write(
      'login',
      '#!/bin/sh\nprintf \'{"status":{"token":"%s"}}\' "$(echo "$KUBERNETES_EXEC_INFO" | md5sum | cut -c 1-8)-$WHO"\n',
    )
    await chmod(program, 0o755)
    const exec = `exec: {apiVersion: client.authentication.k8s.io/v1, command: ${program}, env: [{name: WHO, value: me}]}`
    const text = kubeconfig('a', 'http://127.0.0.1:8001').replace('token: t-a', exec)
    const list = await write('with-exec', text.replace(', certificate-authority: ca.crt', ''))
    const { config } = await findCluster({ ...settings, list })
    const options: { headers?: Record<string, string> } = {}
    await config.applyToHTTPSOptions(options)
    expect(options.headers?.['Authorization']).toMatch(/^Bearer [0-9a-f]{8}-me$/)
    expect(options.headers?.['Authorization']).not.toContain('68b329da') // of an empty variable
  })
})

describe('a proxy of the environment', () => {
  const proxyOf = async (server: string, except: string, more = '') => {
    const text = kubeconfig('a', server).replace('certificate-authority: ca.crt', more)
    const list = await write('proxied', text)
    const { config } = await findCluster({ ...settings, list, proxy: { url: 'proxy.internal:3128', except } })
    return config.getCurrentCluster()?.proxyUrl
  }

  it('is used for clusters elsewhere', async () => {
    expect(await proxyOf('https://10.1.2.3:6443', 'other.example')).toBe('http://proxy.internal:3128')
  })

  it.each([
    { server: 'https://127.0.0.1:6443', except: '' },
    { server: 'https://10.1.2.3:6443', except: 'localhost,10.0.0.0/8' },
    { server: 'https://api.cluster.example', except: '.cluster.example' },
    { server: 'http://10.1.2.3:8080', except: '' },
  ])('is not used for $server with NO_PROXY=$except', async ({ server, except }) => {
    expect(await proxyOf(server, except)).toBeUndefined()
  })

  it("gives way to the kubeconfig's own", async () => {
    expect(await proxyOf('https://10.1.2.3:6443', '', 'proxy-url: "http://own:1"')).toBe('http://own:1')
  })
})
