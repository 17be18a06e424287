import type { PlainVariable } from '../../operator/objects.ts'

/** What the loader needs in a pod to read a store. */
export interface StoreAccess {
  /** Under the ecosystem's names. */
  env: PlainVariable[]
  /** Flags of `nimctl download`, for what has no variable. */
  flags: string[]
  secret: StoreSecret
  warnings: string[]
}

/** What the Secret with the store's credentials holds. */
export interface StoreSecret {
  entries: readonly SecretEntry[]
  /** How to make it, behind `kubectl create secret generic NAME`. */
  howToMake: string
}

export interface SecretEntry {
  key: string
  /** Of the container; default: the key, which is a variable's name. */
  variable?: string
  /** The pod doesn't start without it. */
  required?: true
}

/** Of a public store. A NIMCache names a Secret nevertheless, and any entry will do. */
export const noSecret: StoreSecret = { entries: [], howToMake: '--from-literal=STORE=none' }
