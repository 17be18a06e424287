import { describe, expect, it } from 'vitest'

import { chooseCredential } from '../../src/stores/azure/credentials.ts'
import { isAzureHost } from '../../src/stores/azure/host.ts'
import { parseAzureUrl, pathOf } from '../../src/stores/azure/location.ts'
import { accountSettings, type AzureSettings } from '../../src/stores/azure/settings.ts'
import { openStore } from '../../src/stores/open.ts'
import { secret } from '../../src/system/secret.ts'

function locate(url: string, { endpointUrl, ...settings }: AzureSettings & { endpointUrl?: string } = {}) {
  const location = parseAzureUrl(new URL(url), accountSettings(settings), endpointUrl)
  const { account, azureContainer, prefix, endpoint } = location
  return { account, azureContainer, prefix, endpoint: endpoint.name, path: pathOf(location, 'a') }
}

const connectionString = (text: string) => ({ connectionString: secret(text) })

describe('where a store lies', () => {
  it.each([
    [
      'https://acme.blob.core.windows.net/models/llama',
      {},
      'acme',
      'models',
      'llama/',
      'https://acme.blob.core.windows.net',
      '/models/a',
    ],
    [
      'https://acme.blob.core.windows.net/models',
      {},
      'acme',
      'models',
      '',
      'https://acme.blob.core.windows.net',
      '/models/a',
    ],
    [
      'https://acme.blob.core.chinacloudapi.cn/models/',
      {},
      'acme',
      'models',
      '',
      'https://acme.blob.core.chinacloudapi.cn',
      '/models/a',
    ],
    [
      'https://acme.blob.core.usgovcloudapi.net/$web/x/',
      {},
      'acme',
      '$web',
      'x/',
      'https://acme.blob.core.usgovcloudapi.net',
      '/$web/a',
    ],
    [
      'az://models/a%20b/ü',
      { account: 'acme' },
      'acme',
      'models',
      'a b/ü/',
      'https://acme.blob.core.windows.net',
      '/models/a',
    ],
    [
      'az://models',
      { endpointUrl: 'http://127.0.0.1:10000/devstoreaccount1' },
      'devstoreaccount1',
      'models',
      '',
      'http://127.0.0.1:10000/devstoreaccount1',
      '/devstoreaccount1/models/a',
    ],
    [
      'az://models',
      { endpointUrl: 'https://acme.blob.core.chinacloudapi.cn' },
      'acme',
      'models',
      '',
      'https://acme.blob.core.chinacloudapi.cn',
      '/models/a',
    ],
    [
      'https://acme.blob.core.windows.net/models',
      { endpointUrl: 'http://127.0.0.1:1/acme' },
      'acme',
      'models',
      '',
      'http://127.0.0.1:1/acme',
      '/acme/models/a',
    ],
    [
      'az://models',
      connectionString(
        'DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=a2V5PQ==;EndpointSuffix=core.usgovcloudapi.net',
      ),
      'acme',
      'models',
      '',
      'https://acme.blob.core.usgovcloudapi.net',
      '/models/a',
    ],
    [
      'az://models',
      connectionString('BlobEndpoint=https://acme.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=a%3D'),
      'acme',
      'models',
      '',
      'https://acme.blob.core.windows.net',
      '/models/a',
    ],
    [
      'az://models',
      connectionString('UseDevelopmentStorage=true'),
      'devstoreaccount1',
      'models',
      '',
      'http://127.0.0.1:10000/devstoreaccount1',
      '/devstoreaccount1/models/a',
    ],
  ])('%s %j', (url, settings, account, azureContainer, prefix, endpoint, path) => {
    expect(locate(url, settings)).toEqual({ account, azureContainer, prefix, endpoint, path })
  })

  it.each([
    ['https://acme.blob.core.windows.net/', {}, 'STORE_URL_INVALID'],
    ['https://acme.blob.core.windows.net/Models', {}, 'STORE_URL_INVALID'],
    ['https://acme.blob.core.windows.net/a--b', {}, 'STORE_URL_INVALID'],
    ['https://acme.blob.core.windows.net/models?x=1', {}, 'STORE_URL_INVALID'],
    ['https://me:hunter2@acme.blob.core.windows.net/models', {}, 'STORE_URL_INVALID'],
    ['https://acme.blob.core.windows.net/models/50%', {}, 'STORE_URL_INVALID'],
    ['az://models/x?sig=hunter2', { account: 'acme' }, 'STORE_URL_INVALID'],
    ['az://models:80/x', { account: 'acme' }, 'STORE_URL_INVALID'],
    ['az://models/x', {}, 'STORE_ACCOUNT_MISSING'],
    ['az://models/x', { endpointUrl: 'acme.blob' }, 'ENDPOINT_URL_INVALID'],
    ['az://models/x', connectionString('AccountKey=hunter2'), 'CONNECTION_STRING_INVALID'],
  ])('refuses %s %j', (url, settings, code) => {
    expect(() => locate(url, settings)).toThrow(expect.objectContaining({ category: 'usage', code }))
    expect(() => locate(url, settings)).not.toThrow(/hunter2/)
  })

  it('keeps the SAS of a URL apart from what is shown', async () => {
    const store = await openStore(new URL('https://acme.blob.core.windows.net/models/x?sv=1&sig=hunter2'), {})
    expect(store.url.href).toBe('https://acme.blob.core.windows.net/models/x')
    store.close()
  })

  it('sends no token over a connection that is not encrypted', async () => {
    const opening = openStore(new URL('az://models/x'), { endpointUrl: 'http://127.0.0.1:1/acme' })
    await expect(opening).rejects.toMatchObject({ category: 'usage', code: 'TOKEN_NEEDS_TLS' })
  })
})

it('uses key and SAS for the account alone that they are of', () => {
  const choose = (settings: AzureSettings) => {
    const account = accountSettings(settings)
    const url = new URL('https://acme.blob.core.windows.net/models')
    return chooseCredential(parseAzureUrl(url, account, undefined), account, true).type
  }
  const key = secret('a2V5')
  const sas = (account: string) =>
    connectionString(`BlobEndpoint=https://${account}.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=a%3D`)
  expect([choose({ key }), choose({ account: 'acme', key }), choose({ account: 'other', key })]).toEqual([
    'key',
    'key',
    'token',
  ])
  expect([choose(sas('acme')), choose(sas('other'))]).toEqual(['sas', 'token'])
})

it.each([
  ['acme.blob.core.windows.net', true],
  ['acme.privatelink.blob.core.windows.net', true],
  ['acme.z12.blob.storage.azure.net', true],
  ['acme.blob.core.microsoft.scloud', true],
  ['blob.core.windows.net', false],
  ['blob.core.windows.net.example.com', false],
  ['files.internal', false],
])('%s is a host of the Blob service: %s', (host, is) => {
  expect(isAzureHost(host)).toBe(is)
})

it('is not reached without TLS', async () => {
  const url = new URL('http://acme.blob.core.windows.net/models')
  await expect(openStore(url, {})).rejects.toMatchObject({ code: 'STORE_SCHEME_UNKNOWN' })
})
