import { existsSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { execa } from 'execa'

import { describeMissing, installParts } from './install.ts'
import { cacheDirectory, requireProgram } from './locate.ts'
import { type RanTool, runTool } from './run-tool.ts'

/** What KServe's storage initializer reads HDFS with. */
const client = 'hdfs==2.7.0'

/**
 * The two Kerberos modules are imported and, without a keytab, not used: they have no wheels. `imp` left Python with 3.12;
 * the client needs it for settings of its own, which nobody gives here.
 */
const program = `
import sys, types
for name in ["krbcontext", "krbcontext.context", "requests_kerberos", "imp"]:
    module = sys.modules.setdefault(name, types.ModuleType(name))
    for attribute in ["krbContext", "HTTPKerberosAuth", "load_source"]:
        setattr(module, attribute, object)
from kserve_storage import Storage
Storage.download(sys.argv[1], sys.argv[2])
`

/**
 * What KServe's storage initializer does in a pod with a secret for HDFS.
 *
 * @param path in HDFS: KServe takes what stands behind `hdfs://` for it.
 * @param secret a directory that is made for it.
 */
export async function kserveDownloadHdfs(options: {
  path: string
  namenode: string
  out: string
  secret: string
}): Promise<RanTool> {
  const { path, namenode, out, secret } = options
  const modules = await installClient()
  await mkdir(out, { recursive: true })
  await mkdir(secret, { recursive: true })
  writeFileSync(join(secret, 'HDFS_NAMENODE'), namenode)
  const env = { HDFS_SECRET_DIR: secret, PYTHONPATH: modules }
  return await runTool('kserve', ['-c', program, `hdfs://${path.replace(/^\//, '')}`, out], env)
}

async function installClient(): Promise<string> {
  const { missing } = await installParts(['kserve'])
  if (missing.length > 0) throw new Error(`kserve could not be installed:\n${describeMissing(missing)}`)
  const directory = join(cacheDirectory(), `wheels-${client.replace('==', '-')}`)
  // Written at the end: what an interrupted pip leaves looks installed otherwise.
  const marker = join(directory, 'installed')
  if (existsSync(marker)) return directory
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:']
  const lock = join(cacheDirectory(), 'install.lock')
  const command = [requireProgram('kserve', 'kserve'), ...pip, '--upgrade', '--target', directory, client]
  await execa('flock', [lock, ...command], { stdin: 'ignore' })
  writeFileSync(marker, '')
  return directory
}
