import { type Command, Option } from 'commander'

import type { ServingRequest } from '../../../emit/nimservice.ts'
import { parseCount } from '../values.ts'

export interface ServingFlags {
  replicas: number
  port: number
}

const heading = 'Service:'

export function addServingOptions(command: Command): Command {
  const options = [
    new Option('--replicas <n>', 'pods of the NIMService').default(1).argParser(parseCount),
    new Option('--port <n>', 'of the service').default(8000).argParser(parseCount),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

export function servingFrom({ replicas, port }: ServingFlags): ServingRequest {
  return { replicas, port }
}
