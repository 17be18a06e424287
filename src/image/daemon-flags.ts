import { findDockerConnection } from '../system/docker-connection.ts'

/**
 * skopeo's flags for the engine that docker would use: by itself it looks at the usual socket only, whatever
 * DOCKER_HOST says (seen with 1.9.3). It speaks TLS on tcp:// and plain HTTP on http://, and no ssh.
 */
export async function daemonFlags(
  prefix: '' | 'src-' | 'dest-',
  env: Record<string, string | undefined>,
): Promise<string[]> {
  const { address, options } = await findDockerConnection(env)
  if (options.protocol !== 'https') return [`--${prefix}daemon-host`, address.replace(/^tcp:/, 'http:')]
  const certificates = env['DOCKER_CERT_PATH']
  return [
    `--${prefix}daemon-host`,
    address.replace(/^https:/, 'tcp:'),
    ...(certificates === undefined ? [] : [`--${prefix}cert-dir`, certificates]),
  ]
}
