import { join } from 'node:path'

import { requireProgram } from '../servers/locate.ts'
import type { Command } from './measure.ts'

export const nimctlProgram = join(import.meta.dirname, '../../bin/nimctl.js')

export interface Uploader {
  name: 'nimctl' | 'aws s3' | 's5cmd'
  /** The bucket that is its own. */
  bucket: string
  /** @param to URL that ends with a slash. */
  upload(from: string, to: string): Command
  /** The same to where all of it lies already. */
  again(from: string, to: string): Command
}

/** Each with its own defaults, and silent: what is printed for each file would be measured too. */
export function uploaders(): Uploader[] {
  const aws = (...args: string[]): Command => command('aws', requireProgram('aws', 'aws'), args)
  const s5cmd = (...args: string[]): Command => command('s5cmd', requireProgram('s5cmd', 's5cmd'), args)
  return [
    {
      name: 'nimctl',
      bucket: 'by-nimctl',
      upload: (from, to) => nimctl('upload', from, to, '--quiet'),
      again: (from, to) => nimctl('upload', from, to, '--quiet'),
    },
    {
      name: 'aws s3',
      bucket: 'by-aws',
      upload: (from, to) => aws('s3', 'cp', '--recursive', '--only-show-errors', from, to),
      again: (from, to) => aws('s3', 'sync', '--only-show-errors', from, to),
    },
    {
      name: 's5cmd',
      bucket: 'by-s5cmd',
      upload: (from, to) => s5cmd('--log', 'error', 'cp', `${from}/`, to),
      again: (from, to) => s5cmd('--log', 'error', 'sync', `${from}/`, to),
    },
  ]
}

export function nimctl(...args: string[]): Command {
  return { ...command('nimctl', process.execPath, args), args: [nimctlProgram, ...args] }
}

function command(name: string, program: string, args: readonly string[]): Command {
  return { shown: [name, ...args].join(' '), program, args }
}
