/** What a step of nimctl's at a store is for. `ask`: what carries nothing and is no other of these. */
export type Phase = 'create' | 'part' | 'complete' | 'copy' | 'inventory' | 'put' | 'range' | 'ask'

/** These carry content. */
export const contentPhases: ReadonlySet<Phase> = new Set(['part', 'put', 'range'])

/** The same, once it is known which key it is about: the inventory is no content. */
export function phaseBelow(phase: Phase, key: string): Phase {
  const isInventory = key.startsWith('.nimctl/')
  if (phase === 'put') return isInventory ? 'inventory' : 'put'
  return phase === 'range' && (isInventory || key === '') ? 'ask' : phase
}
