import type { Abilities } from './abilities.ts'
import type { Folders } from './folders.ts'
import type { Server } from './server.ts'

/** A server, with what is known of it. */
export interface Site {
  readonly server: Server
  readonly abilities: Abilities
  readonly folders: Folders
}
