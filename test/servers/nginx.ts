import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { answer } from './answer.ts'
import type { Certificates } from './certificates.ts'
import { freePort } from './free-port.ts'
import { installDebianPackages } from './install-debian.ts'
import { findProgram } from './locate.ts'
import { startProcess } from './start-process.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'

export interface Nginx {
  endpoint: string
  /** The same over TLS, where certificates were given. */
  secureEndpoint: string
  /** What it serves: a folder for each way in which it does. */
  directory: string
  stop: () => Promise<void>
}

export interface NginxOptions {
  /** Beside plain HTTP. `clientCa`: a file with the authority of certificates that clients must show. */
  tls?: Certificates & { clientCa?: string }
}

/** Who may do what, below `/private/`. */
export const nginxUsers = { writer: 'may-write', reader: 'may-read' } as const

/**
 * `/dav/`: WebDAV, which knows the type of archives. `/index/`: takes PUT and lists in JSON. `/plain/`: takes PUT and lists nothing. `/private/`: WebDAV
 * with users, of which one may only read.
 */
export async function startNginx({ tls }: NginxOptions = {}): Promise<Nginx> {
  const { nginx, module } = await installNginx()
  const directory = makeTemporaryDirectory()
  const at = (name: string) => join(directory.path, name)
  for (const name of ['data/dav', 'data/index', 'data/plain', 'data/private', 'tmp']) {
    mkdirSync(at(name), { recursive: true })
  }
  const port = await freePort()
  const securePort = await freePort()
  writeFileSync(
    at('users'),
    Object.entries(nginxUsers)
      .map(([name, password]) => `${name}:{PLAIN}${password}\n`)
      .join(''),
  )
  if (tls !== undefined) {
    writeFileSync(at('server.key'), tls.key)
    writeFileSync(at('server.pem'), tls.cert)
  }
  const secure = tls === undefined ? '' : secureListener(securePort, at, tls.clientCa)
  writeFileSync(at('nginx.conf'), configuration({ module, at, listen: `listen 127.0.0.1:${port}; ${secure}` }))
  const endpoint = `http://127.0.0.1:${port}`
  try {
    const server = await startProcess({
      name: 'nginx',
      command: nginx,
      args: ['-c', at('nginx.conf'), '-e', at('error.log'), '-g', 'daemon off; master_process off;'],
      logFile: at('nginx.log'),
      isReady: async () => (await answer(`${endpoint}/index/`))?.status === 200,
      graceMs: 0,
    })
    const stop = async () => {
      await server.stop()
      directory.remove()
    }
    return { endpoint, secureEndpoint: `https://127.0.0.1:${securePort}`, directory: at('data'), stop }
  } catch (error) {
    directory.remove()
    throw error
  }
}

async function installNginx(): Promise<{ nginx: string; module: string }> {
  const module = '/usr/lib/nginx/modules/ngx_http_dav_ext_module.so'
  if (findProgram('nginx') === undefined || !existsSync(module)) {
    const say = (line: string) => void process.stderr.write(`${line}\n`)
    const failed = await installDebianPackages([['nginx-light'], ['libnginx-mod-http-dav-ext']], say)
    if (failed !== undefined) throw new Error(`nginx could not be installed: ${failed.why} ${failed.next}`)
  }
  const nginx = findProgram('nginx')
  if (nginx === undefined) throw new Error('The package nginx-light brought no nginx.')
  return { nginx, module }
}

function secureListener(port: number, at: (name: string) => string, clientCa: string | undefined): string {
  const client = clientCa === undefined ? '' : `ssl_client_certificate ${clientCa}; ssl_verify_client on;`
  return `listen 127.0.0.1:${port} ssl; ssl_certificate ${at('server.pem')}; ssl_certificate_key ${at('server.key')}; ${client}`
}

function configuration({ module, at, listen }: { module: string; at: (name: string) => string; listen: string }) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const dav = 'dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS;'
  // As root, uploads answer 500 without `user root`; others may not say it.
  return `
load_module ${module};
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${at('pid')};
events {}
http {
  access_log off;
  ${temporary.map(name => `${name}_temp_path ${at('tmp')}/${name};`).join('\n  ')}
  server {
    ${listen}
    root ${at('data')};
    client_max_body_size 0;
    location /dav/ { ${dav} types { application/x-tar tar; } }
    location /index/ { dav_methods PUT DELETE; create_full_put_path on; autoindex on; autoindex_format json; }
    location /plain/ { dav_methods PUT DELETE; create_full_put_path on; client_max_body_size 10m; }
    location /private/ {
      ${dav} types { application/x-tar tar; }
      auth_basic nimctl;
      auth_basic_user_file ${at('users')};
      set $who_does "$remote_user:$request_method";
      if ($who_does ~ "^reader:(PUT|DELETE|MKCOL|COPY|MOVE)$") { return 403; }
    }
  }
}
`
}
