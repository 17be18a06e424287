export interface Situation {
  version: string
  /** Of CHANGELOG.md. */
  changelog: string
  tags: readonly string[]
  /** Nothing is changed or untracked. */
  clean: boolean
}

/** Why this is not to be released, a sentence each; none where it may. */
export function refusalsOf({ version, changelog, tags, clean }: Situation): string[] {
  const section = changelog.split('\n').some(line => line === `## ${version}` || line.startsWith(`## ${version} `))
  return [
    ...(clean ? [] : ['Files are changed or untracked: commit them, or put them away.']),
    ...(section ? [] : [`CHANGELOG.md has no section "## ${version}": name what is unreleased there.`]),
    ...(tags.includes(tagOf(version)) ? [`The tag ${tagOf(version)} exists: raise the version in package.json.`] : []),
  ]
}

export function tagOf(version: string): string {
  return `v${version}`
}
