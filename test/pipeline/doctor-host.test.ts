import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, expect, it } from 'vitest'

import { examineHost, type HostQuestion } from '../../src/pipeline/doctor-host.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'

const directory = makeTemporaryDirectory()
afterAll(() => directory.remove())

const nothing: HostQuestion = { directories: [], certificates: [], logins: [] }

async function examine(question: Partial<HostQuestion>) {
  const findings = await examineHost({ ...nothing, ...question })
  return Object.fromEntries(findings.map(finding => [finding.name, finding]))
}

it('looks at the disk above a directory that is not there yet', async () => {
  const missing = join(directory.path, 'a/b')
  expect((await examine({ directories: [missing] }))[`disk: ${missing}`]?.found).toMatch(
    new RegExp(`GiB free at ${directory.path}$`),
  )
})

it.each([
  { url: undefined, status: 'ok', found: /^none/ },
  {
    url: 'http://user:hunter2@proxy:3128',
    except: '.internal',
    status: 'ok',
    found: /proxy:3128.*but for \.internal$/,
  },
  { url: 'http://proxy:3128', status: 'ok', found: /NO_PROXY is not set$/ },
  { url: 'proxy:3128', status: 'failed', found: /no address$/ },
])('says what the proxy $url is', async ({ url, except, status, found }) => {
  const { proxy } = await examine(url === undefined ? {} : { proxy: { url, ...(except !== undefined && { except }) } })
  expect(proxy).toMatchObject({ status, found: expect.stringMatching(found) })
  expect(proxy?.found).not.toContain('hunter2')
})

it('looks whether files with certificates hold some', async () => {
  const path = (name: string) => join(directory.path, name)
  await writeFile(path('one.pem'), '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n')
  await writeFile(path('none.pem'), 'certificates')
  const from = (name: string) => ({ from: name, path: path(`${name}.pem`) })
  expect(await examine({ certificates: [from('one'), from('none'), from('missing')] })).toMatchObject({
    'CA: one': { status: 'ok', found: expect.stringContaining('1 certificate in') },
    'CA: none': { status: 'failed', found: expect.stringContaining('no certificate') },
    'CA: missing': { status: 'failed', found: expect.stringContaining('ENOENT') },
  })
})

it('names the command that logs in', async () => {
  const logins = [
    { registry: 'nvcr.io', found: false },
    { registry: 'registry.internal:5000', found: true },
  ]
  expect(await examine({ logins })).toMatchObject({
    'login: nvcr.io': { status: 'warning', next: expect.stringContaining('NGC_API_KEY') },
    'login: registry.internal:5000': { status: 'ok' },
  })
})
