import { NimctlError } from '../../system/errors.ts'

/** One namenode, or those of a nameservice, of which one is active. */
export interface Namenodes {
  /**
   * Asks the one that was active last; where it is on standby or away, the others in turn.
   *
   * @param ask is given the base of the address: origin and what comes before a path in HDFS.
   * @throws what the last one said.
   */
  ask<T>(ask: (base: URL) => Promise<T>): Promise<T>
}

/** @param bases at least one. */
export function openNamenodes(bases: readonly URL[]): Namenodes {
  let active = 0
  return {
    async ask(ask) {
      for (let tries = 1; ; tries++) {
        const index = active
        const base = bases[index]
        if (base === undefined) throw new RangeError('There is no namenode to ask.')
        try {
          return await ask(base)
        } catch (error) {
          // Requests beside this one may have found out the same.
          if (isElsewhere(error) && active === index) active = (index + 1) % bases.length
          if (!isElsewhere(error) || tries >= bases.length) throw error
        }
      }
    },
  }
}

function isElsewhere(error: unknown): boolean {
  return error instanceof NimctlError && (error.code === 'NAMENODE_STANDBY' || error.code === 'STORE_UNREACHABLE')
}

/** `http://host:9870` is what stands before `/webhdfs/v1`; HttpFS and Knox have longer ones, given in full. */
export function webhdfsBase(url: URL): URL {
  const base = new URL(url)
  base.pathname = url.pathname === '/' ? '/webhdfs/v1' : url.pathname.replace(/\/+$/, '')
  return base
}
