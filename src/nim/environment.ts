/** Names of environment variables that NIM containers read (reference/nim.md section 5). */
export const nimEnvironment = {
  /** Personal (`nvapi-…`) and legacy keys; LLM 2.x prefers NGC_CLI_API_KEY where both are set. */
  ngcApiKey: 'NGC_API_KEY',
  cachePath: 'NIM_CACHE_PATH',
} as const
