import { setTimeout as wait } from 'node:timers/promises'

import { execa } from 'execa'

import { findProgram } from './locate.ts'
import { rootPrefix } from './root.ts'

type Say = (line: string) => void

/**
 * Services must not start by themselves: docker-registry's would listen on every interface, port 5000. Debian asks
 * policy-rc.d; where the machine has one, it stays. What is enabled for the next start is only the engine.
 */
const quietInstall = `
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  trap 'exit 130' INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > $policy
  chmod 755 $policy
fi
registry=$(command -v docker-registry)
apt-get install --yes --quiet --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" || exit
if [ -z "$registry" ] && [ -d /run/systemd/system ] && command -v docker-registry > /dev/null; then
  systemctl disable --quiet docker-registry
fi
`

/** Each entry lists alternatives. Undefined when all are installed, otherwise why not and what to do. */
export async function installDebianPackages(
  wanted: readonly (readonly string[])[],
  say: Say,
): Promise<{ why: string; next: string } | undefined> {
  if (wanted.length === 0) return undefined
  const first = [...new Set(wanted.flatMap(packages => packages.slice(-1)))]
  const next = `Install by hand: apt-get install --no-install-recommends ${first.join(' ')}`
  if (findProgram('apt-get') === undefined)
    return { why: `needs ${first.join(', ')}; this machine has no apt-get.`, next }
  const prefix = rootPrefix()
  if (prefix === undefined)
    return { why: `needs ${first.join(', ')}; this user is not root and may not use sudo without a password.`, next }
  let packages = await choosePackages(wanted)
  if (packages === undefined) {
    await updateLists(prefix, say)
    packages = await choosePackages(wanted)
    if (packages === undefined) return { why: `apt does not know one of ${first.join(', ')}.`, next }
  }
  say(`Installing Debian packages: ${packages.join(' ')}`)
  let result = await install(prefix, packages)
  if (result.exitCode !== 0) {
    // Old lists name versions that the mirror no longer has.
    await updateLists(prefix, say)
    result = await install(prefix, packages)
  }
  if (result.exitCode === 0) return undefined
  return { why: `apt-get install failed: ${lastLines(result.all)}`, next }
}

async function choosePackages(wanted: readonly (readonly string[])[]): Promise<string[] | undefined> {
  const chosen = new Set<string>()
  for (const alternatives of wanted) {
    const known = await firstKnown(alternatives)
    if (known === undefined) return undefined
    chosen.add(known)
  }
  return [...chosen]
}

async function firstKnown(packages: readonly string[]): Promise<string | undefined> {
  for (const name of packages) {
    const { exitCode, stdout } = await execa('apt-cache', ['show', '--no-all-versions', name], { reject: false })
    if (exitCode === 0 && stdout !== '') return name
  }
  return undefined
}

async function updateLists(prefix: string[], say: Say): Promise<void> {
  say('Updating the package lists: apt-get update')
  // apt-get update does not wait for the lock of its lists, which a fresh machine's own update may hold.
  for (let attempt = 1; attempt <= 30; attempt++) {
    const { exitCode } = await asRoot(prefix, ['apt-get', 'update', '--quiet'])
    if (exitCode !== 100) return
    await wait(2000)
  }
}

function install(prefix: string[], packages: string[]) {
  return asRoot(prefix, ['sh', '-c', quietInstall, 'sh', ...packages])
}

function asRoot(prefix: string[], command: string[]) {
  const settings = ['DEBIAN_FRONTEND=noninteractive', 'NEEDRESTART_SUSPEND=1', 'LC_ALL=C.UTF-8']
  const [program = '', ...args] = [...prefix, 'env', ...settings, ...command]
  return execa(program, args, { reject: false, all: true, stdin: 'ignore' })
}

function lastLines(text: string | undefined): string {
  const lines = (text ?? '').split('\n').filter(line => line.trim() !== '')
  return lines.slice(-3).join(' / ')
}
