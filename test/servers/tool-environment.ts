import { tmpdir } from 'node:os'

/**
 * What a tool sees: only what the test says. The settings, proxies and credentials of whoever runs the tests would
 * change what is tested, and an absent instance metadata service would be asked for seconds.
 */
export function toolEnvironment(env: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: tmpdir(),
    LANG: 'C.UTF-8',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
    ...env,
  }
}
