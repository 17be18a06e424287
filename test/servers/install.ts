import { findPrograms } from './locate.ts'
import { type Part, partSources } from './parts.ts'

export interface MissingPart {
  part: Part
  why: string
  next: string
}

export interface Installed {
  missing: MissingPart[]
  /** Path by program name (docker-registry, weed as seaweedfs, …), for all that is there. */
  paths: Record<string, string>
}

export interface InstallOptions {
  say?: (line: string) => void
}

/** Installs what is missing of these parts. What can't be installed is in the result; it does not throw for it. */
export async function installParts(parts: readonly Part[], options: InstallOptions = {}): Promise<Installed> {
  const say = options.say ?? (line => process.stderr.write(`${line}\n`))
  const reasons = new Map<Part, { why: string; next: string }>()
  if (parts.some(part => !isComplete(part))) {
    // Loaded here, so that the usual case, all is there, costs nothing.
    const { installDebianPackages } = await import('./install-debian.ts')
    const { installWheels } = await import('./install-wheels.ts')
    const debian = await installDebianPackages(missingPackages(parts), say)
    if (debian !== undefined)
      for (const part of parts.filter(part => missingPackages([part]).length > 0)) reasons.set(part, debian)
    const wheels = parts.filter(part => partSources[part].wheels !== undefined && !isComplete(part))
    for (const [part, reason] of await installWheels(wheels, say)) reasons.set(part, reason)
    const { installGoProgram } = await import('./install-go.ts')
    for (const part of parts.filter(part => !isComplete(part))) {
      const { go } = partSources[part]
      const reason = go === undefined ? undefined : await installGoProgram(go, say)
      if (reason !== undefined) reasons.set(part, reason)
    }
  }
  if (parts.includes('docker') && !reasons.has('docker')) {
    const reason = await whyNoEngine()
    if (reason !== undefined) reasons.set('docker', reason)
  }
  const missing = parts.filter(part => reasons.has(part) || !isComplete(part))
  return {
    missing: missing.map(part => ({ part, ...(reasons.get(part) ?? notBrought(part)) })),
    paths: Object.fromEntries(parts.flatMap(part => Object.entries(findPrograms(part)).filter(isFound))),
  }
}

/** The same for whoever can't go on without. @throws Error that says what is missing. */
export async function requireParts(parts: readonly Part[]): Promise<void> {
  const { missing } = await installParts(parts)
  if (missing.length > 0) throw new Error(`These could not be installed:\n${describeMissing(missing)}`)
}

export function describeMissing(missing: readonly MissingPart[]): string {
  return missing.map(({ part, why, next }) => `  ${part}: ${why}\n    ${next}`).join('\n')
}

function isComplete(part: Part): boolean {
  return Object.values(findPrograms(part)).every(path => path !== undefined)
}

/** One list of alternatives for each program that is not there. */
function missingPackages(parts: readonly Part[]): (readonly string[])[] {
  return parts.flatMap(part => {
    const found = findPrograms(part)
    return Object.entries(partSources[part].programs ?? {})
      .filter(([program]) => found[program] === undefined)
      .map(([, packages]) => packages)
  })
}

async function whyNoEngine(): Promise<{ why: string; next: string } | undefined> {
  if (process.getuid?.() === 0) return undefined
  const { existingEngine } = await import('./docker-existing.ts')
  const { rootPrefix } = await import('./root.ts')
  if (existingEngine() !== undefined || rootPrefix() !== undefined) return undefined
  return {
    why: 'this user may neither open /var/run/docker.sock nor use sudo without a password.',
    next: 'Run as root, or join the group docker: sudo usermod -aG docker "$USER", then log in again',
  }
}

function notBrought(part: Part): { why: string; next: string } {
  const found = findPrograms(part)
  const programs = Object.keys(found).filter(program => found[program] === undefined)
  return {
    why: `was installed, but brought no ${programs.join(', ')}.`,
    next: `See what is on this machine: command -v ${programs.join(' ')}`,
  }
}

function isFound(entry: [string, string | undefined]): entry is [string, string] {
  return entry[1] !== undefined
}
