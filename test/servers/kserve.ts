import { mkdir } from 'node:fs/promises'

import { type RanTool, runTool } from './run-tool.ts'

/**
 * KServe unpacks archives with a filter that Python has from 3.11.4 on, and its image has a newer one. Where this host's
 * has none, they are unpacked without it.
 */
const prelude = `
import json, sys, tarfile
from kserve_storage import Storage
if not hasattr(tarfile, "data_filter"):
    unpack = tarfile.TarFile.extractall
    tarfile.TarFile.extractall = lambda archive, path, filter: unpack(archive, path)
`
const program = `${prelude}
Storage.download(sys.argv[1], sys.argv[2])
`
const manyProgram = `${prelude}
errors = []
for url, out in json.loads(sys.argv[1]):
    try:
        Storage.download(url, out)
        errors.append(None)
    except Exception as error:
        errors.append(repr(error))
print(json.dumps(errors))
`

/** What KServe's storage initializer does in a pod: brings the files below `url` to the directory `out`. */
export async function kserveDownload(options: {
  url: string
  out: string
  env: Readonly<Record<string, string>>
}): Promise<RanTool> {
  const { url, out, env } = options
  await mkdir(out, { recursive: true })
  return runTool('kserve', ['-c', program, url, out], env)
}

/**
 * The same for several, one after the other in one process: its start takes longer than small downloads.
 *
 * @returns for each the error with which it ended, or null.
 */
export async function kserveDownloads(
  downloads: readonly { url: string; out: string }[],
  env: Readonly<Record<string, string>>,
): Promise<(string | null)[]> {
  for (const { out } of downloads) await mkdir(out, { recursive: true })
  const pairs = JSON.stringify(downloads.map(({ url, out }) => [url, out]))
  const { exitCode, stdout, stderr } = await runTool('kserve', ['-c', manyProgram, pairs], env)
  const last = stdout.trimEnd().split('\n').at(-1)
  if (exitCode !== 0 || last === undefined) throw new Error(`The storage initializer could not run:\n${stderr}`)
  return JSON.parse(last) as (string | null)[]
}
