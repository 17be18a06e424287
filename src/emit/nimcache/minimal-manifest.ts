import type { InventoryHeader, InventoryProfile } from '../../inventory/inventory.ts'
import { renderPlain } from '../yaml.ts'

/**
 * The model manifest as the operator keeps it: profiles and tags, no file lists (`Minimal()`, reference/operator.md
 * section 3). From it the operator fills `status.profiles`. Every tag is a string, also `"8"` and `"false"`: the
 * operator's Go type is map[string]string.
 */
export function renderMinimalManifest(
  version: InventoryHeader['manifestVersion'],
  profiles: readonly InventoryProfile[],
): string {
  return renderPlain(version === 2 ? version2(profiles) : version1(profiles))
}

function version1(profiles: readonly InventoryProfile[]): unknown {
  return Object.fromEntries(
    profiles.map(({ id, model, release, tags }) => [
      id,
      { ...(model !== undefined && { model }), ...(release !== undefined && { release }), tags },
    ]),
  )
}

/** A 2 anywhere in `schema_version` makes the operator take its parser for version 2. */
function version2(profiles: readonly InventoryProfile[]): unknown {
  return { schema_version: '2.0.0', profiles: profiles.map(({ id, tags }) => ({ id, tags })) }
}
