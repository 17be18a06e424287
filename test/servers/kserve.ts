import { mkdir } from 'node:fs/promises'

import { type RanTool, runTool } from './run-tool.ts'

/**
 * KServe unpacks archives with a filter that Python has from 3.11.4 on, and its image has a newer one. Where this host's
 * has none, they are unpacked without it.
 */
const program = `
import sys, tarfile
from kserve_storage import Storage
if not hasattr(tarfile, "data_filter"):
    unpack = tarfile.TarFile.extractall
    tarfile.TarFile.extractall = lambda archive, path, filter: unpack(archive, path)
Storage.download(sys.argv[1], sys.argv[2])
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
