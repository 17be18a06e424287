import { afterEach, beforeEach, vi } from 'vitest'

/** What the SDK's chain of credentials would find on this machine must not decide a test. */
const hidden: Record<string, string | undefined> = {
  AWS_PROFILE: undefined,
  AWS_ROLE_ARN: undefined,
  AWS_WEB_IDENTITY_TOKEN_FILE: undefined,
  AWS_SESSION_TOKEN: undefined,
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  AWS_ENDPOINT_URL: undefined,
  AWS_REGION: undefined,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
}

/** Environment variables for each test of the file, taken back behind it. */
export function useEnvironment(variables: Record<string, string>): void {
  beforeEach(() => {
    for (const [name, value] of Object.entries({ ...hidden, ...variables })) vi.stubEnv(name, value)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
  })
}
