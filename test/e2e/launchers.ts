/** What to put before nimctl; for `program` of `nimctl()`. */
type Program = [string, ...string[]]

const isRoot = process.getuid?.() === 0

/** For root too, what a file's mode forbids is forbidden. */
export const boundByPermissions: Program = isRoot
  ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', process.execPath]
  : [process.execPath]

/** Sees an empty disk of so many bytes at `directory`; it goes with the process, and others don't see it. */
export function withSmallDisk(directory: string, bytes: number): Program {
  const mount = `mount -t tmpfs -o size=${bytes} tmpfs "$0" && exec "$@"`
  const command: Program = ['unshare', '--mount', 'sh', '-c', mount, directory, process.execPath]
  return isRoot ? command : ['sudo', '-n', '-E', ...command]
}
