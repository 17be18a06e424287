/** Fields of the CRDs that `emit` never sets, with all below them, and why. A field that a row sets may not stand here. */
export const notEmitted: readonly { path: string; reason: string }[] = []
