import { hostsIn, placeOfHost } from '../../nim/outside.ts'
import type { Remark } from './remark.ts'
import { commandLine, type Container, containersOf, type Variable, variablesOf, type Workload } from './workload.ts'

/** What containers ask outside beside their model: packages, files, telemetry. */
export function remarksOnOutside(workload: Workload): Remark[] {
  return containersOf(workload).flatMap(container => [
    ...remarksOnCommand(container),
    ...variablesOf(container).flatMap(variable => remarksOnVariable(variable)),
  ])
}

interface Fetcher {
  pattern: RegExp
  what: string
  /** What makes it stay inside. */
  inside?: RegExp
}

/** Programs that ask the internet unless they are told otherwise. */
const fetchers: readonly Fetcher[] = [
  {
    pattern: /\bpip3? (?:\S+ )*install\b/,
    what: 'pip install',
    inside: /--no-index|--index-url|-i https?:|--find-links/,
  },
  { pattern: /\b(?:apt|apt-get) (?:\S+ )*(?:install|update)\b/, what: 'apt-get' },
  { pattern: /\bapk (?:\S+ )*add\b/, what: 'apk add' },
  { pattern: /\b(?:dnf|yum|microdnf) (?:\S+ )*install\b/, what: 'dnf install' },
  { pattern: /\b(?:conda|mamba) (?:\S+ )*install\b/, what: 'conda install' },
  { pattern: /\bnpm (?:\S+ )*(?:install|ci)\b/, what: 'npm install', inside: /--offline|--registry/ },
  { pattern: /\b(?:huggingface-cli|hf) (?:login|download)\b/, what: 'the Hugging Face client' },
  { pattern: /\bngc (?:\S+ )*(?:registry|config)\b/, what: 'the NGC client' },
]

function remarksOnCommand(container: Container): Remark[] {
  const line = commandLine(container)
  const endpoint = variablesOf(container).find(({ name }) => name === 'HF_ENDPOINT')?.value
  const stays = (what: string) =>
    what === 'the Hugging Face client' && endpoint !== undefined && hostsIn(endpoint).every(isNotOutside)
  const programs = fetchers.filter(
    ({ pattern, inside, what }) => pattern.test(line) && inside?.test(line) !== true && !stays(what),
  )
  const hosts = hostsIn(line)
  const path = container.fields.args === undefined ? `${container.path}.command` : `${container.path}.args`
  const outside = hosts.filter(host => placeOfHost(host) === 'outside')
  const unknown = hosts.filter(host => placeOfHost(host) === 'unknown')
  return [
    ...programs.map(({ what }) => fetches(path, `${what} in its command`)),
    ...outside.map(host => fetches(path, `${host} in its command`)),
    ...unknown.map(host => ({
      name: 'objects.fetch',
      status: 'not-provable' as const,
      path,
      expected: 'addresses inside',
      found: `${host} in its command`,
      next: 'Make sure that the cluster reaches this host.',
    })),
  ]
}

function isNotOutside(host: string): boolean {
  return placeOfHost(host) !== 'outside'
}

function fetches(path: string, found: string): Remark {
  return {
    name: 'objects.fetch',
    status: 'failed',
    path,
    expected: 'nothing from the internet',
    found,
    next: 'Put what it fetches into the image, or into a store inside.',
  }
}

interface Switch {
  name: string
  /** Values with which it asks outside. */
  talks: RegExp
  quiet: string
}

const off = /^(?:0|off|false|no|)$/i

/** Reporting of use (reference/nim.md, section 5; https://docs.vllm.ai/en/latest/usage/usage_stats.html; huggingface_hub's variables). */
const switches: readonly Switch[] = [
  { name: 'NIM_TELEMETRY_MODE', talks: /^(?!(?:0|off|false|no|)$)/i, quiet: 'NIM_TELEMETRY_MODE=0' },
  { name: 'DO_NOT_TRACK', talks: off, quiet: 'DO_NOT_TRACK=1' },
  { name: 'VLLM_NO_USAGE_STATS', talks: off, quiet: 'VLLM_NO_USAGE_STATS=1' },
  { name: 'HF_HUB_DISABLE_TELEMETRY', talks: off, quiet: 'HF_HUB_DISABLE_TELEMETRY=1' },
  { name: 'HF_HUB_OFFLINE', talks: off, quiet: 'HF_HUB_OFFLINE=1' },
  { name: 'TRANSFORMERS_OFFLINE', talks: off, quiet: 'TRANSFORMERS_OFFLINE=1' },
]

/** Where the model comes from is judged with the model. */
const judgedElsewhere =
  /^(?:NIM_MODEL_NAME|NIM_MODEL_PATH|NIM_DRAFT_MODEL_PATH|STORAGE_URI|NIM_REPOSITORY_OVERRIDE|NO_PROXY|no_proxy)$/

function remarksOnVariable({ path, name, value }: Variable): Remark[] {
  if (value === undefined || judgedElsewhere.test(name)) return []
  const known = switches.find(each => each.name === name)
  if (known?.talks.test(value) === true)
    return [
      {
        name: 'objects.telemetry',
        status: 'warning',
        path,
        expected: known.quiet,
        found: `${name}=${value}`,
        next: 'Where nobody answers outside, it costs time at the start and lines in the log.',
      },
    ]
  return hostsIn(value)
    .filter(host => placeOfHost(host) === 'outside')
    .map(host => ({
      name: 'objects.outside-address',
      status: 'failed',
      path,
      expected: 'an address inside',
      found: `${host} in ${name}`,
      next: 'Name a mirror inside, or leave the variable away.',
    }))
}
