import { accessSync, constants } from 'node:fs'

const systemSocket = '/var/run/docker.sock'

/** The engine that runs on this machine, if this user may use it. */
export function existingEngine(): string | undefined {
  const configured = process.env['DOCKER_HOST']
  if (configured) return configured
  try {
    accessSync(systemSocket, constants.R_OK | constants.W_OK)
    return `unix://${systemSocket}`
  } catch {
    return undefined
  }
}
