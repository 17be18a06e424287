import { type RanTool, runTool } from './run-tool.ts'

/** `env` has S3_ENDPOINT_URL (AWS_ENDPOINT_URL is given on as that) and the credentials. */
export function s5cmd(args: readonly string[], env: Readonly<Record<string, string>>): Promise<RanTool> {
  const endpoint = env['AWS_ENDPOINT_URL']
  return runTool('s5cmd', args, endpoint === undefined ? env : { S3_ENDPOINT_URL: endpoint, ...env })
}
