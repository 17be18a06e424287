import { mkdir } from 'node:fs/promises'

import { type RanTool, runTool } from './run-tool.ts'

const program = 'import sys; from kserve_storage import Storage; Storage.download(sys.argv[1], sys.argv[2])'

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
