import type { ListedProfile } from './listing.ts'
import { profileGpus } from './traits.ts'

/** How NVIDIA names a vGPU: the board, then memory and license, `NVIDIA-L40S-48C`, `GRID A100-2-10C`. */
const vgpuName = /^(.+?)-(?:\d+-)?\d+(?:A|B|C|Q)(?:-?SHARED)?$/i

/** Boards whose vGPUs serve a model over several of them, where NVLink connects these. */
const boardsWithNvlink = /(?:^|[^a-z0-9])(?:A100|H100)/i

/**
 * What NVIDIA's support for vGPU rules out: over several vGPUs a model is served on A100 and H100 with NVLink alone, and
 * on an L40S not at all (VMware Private AI series, part 25: "the constraint that bites").
 *
 * @param gpuNames as a host lists them, as nodes are labelled, or as a person wrote them.
 * @returns sentences.
 */
export function checkHardware(profiles: readonly ListedProfile[], gpuNames: readonly string[]): string[] {
  const several = profiles.filter(profile => profile.selected && (profileGpus(profile) ?? 1) > 1)
  const vgpus = [...new Set(gpuNames)].filter(name => vgpuName.test(name))
  if (several.length === 0) return []
  return vgpus.map(name => {
    const board = vgpuName.exec(name)?.[1] ?? ''
    const rest = boardsWithNvlink.test(board)
      ? 'runs there only where NVLink connects the GPUs, which nimctl can not see'
      : 'does not run there: over several vGPUs models are served on A100 and H100 with NVLink alone'
    return `${name} is a vGPU. What is spread over several GPUs (${namesOf(several)}) ${rest}.`
  })
}

const shownProfiles = 3

function namesOf(profiles: readonly ListedProfile[]): string {
  const shown = profiles.slice(0, shownProfiles).map(({ id, description }) => (description === '' ? id : description))
  const more = profiles.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
