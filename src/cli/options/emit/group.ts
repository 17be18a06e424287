import type { Command, Option } from 'commander'

import { given } from '../values.ts'

/** Adds flags under one heading of the help. */
export function addGroup(command: Command, heading: string, options: readonly Option[]): Command {
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

/** The fields that flags gave, as one field of a request; none where no flag was used. */
export function named<Name extends string, Fields extends object>(
  name: Name,
  fields: Fields,
): { [Key in Name]?: ReturnType<typeof given<Fields>> } {
  const present = given(fields)
  if (Object.keys(present).length === 0) return {}
  return { [name]: present } as { [Key in Name]?: ReturnType<typeof given<Fields>> }
}
