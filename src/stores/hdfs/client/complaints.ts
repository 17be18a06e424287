/** Something that the shell could not do, in its words. */
export interface Complaint {
  /** What it is about, where the words begin with it; as the shell prints it, with scheme and host. */
  path?: string
  says: string
}

/**
 * What the shell says on stderr: `put: `PATH': File exists`, `-put: java.net.UnknownHostException: zone` before a usage
 * text, and lines of its log, which tell nothing.
 */
export function readComplaints(
  command: string,
  { exitCode, stderr }: { exitCode: number | undefined; stderr: readonly string[] },
): Complaint[] {
  if (exitCode === 0) return []
  const said = stderr.flatMap(line => {
    const [, name, says = ''] = /^-?(\w+): (.*)$/s.exec(line) ?? []
    return name === command ? [readComplaint(says)] : []
  })
  if (said.length > 0) return said
  // Scripts that find no Java, and programs that are not Hadoop's.
  const words = stderr.filter(line => !/^(\d\S* \S+ )?(WARN|INFO|DEBUG)\b/.test(line)).slice(0, 2)
  return [{ says: words.join(' ') || `It ended with ${exitCode ?? 'a signal'} and said nothing.` }]
}

function readComplaint(says: string): Complaint {
  const [, path, rest] = /^`(.*)': (.*)$/s.exec(says) ?? []
  return path === undefined || rest === undefined ? { says } : { path, says: rest }
}
