import { type RanTool, runTool } from './run-tool.ts'

/** `env` has AWS_ENDPOINT_URL and the credentials; it does not inherit this process's. aws rejects nothing by throwing. */
export function aws(args: readonly string[], env: Readonly<Record<string, string>>): Promise<RanTool> {
  return runTool('aws', args, env)
}
