import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import * as v from 'valibot'
import { parseAllDocuments } from 'yaml'

import { root } from './markdown.ts'

const lines = v.array(v.string())
const environment = v.record(v.string(), v.string())

const githubStep = v.union([
  v.strictObject({
    name: v.optional(v.string()),
    if: v.optional(v.string()),
    env: v.optional(environment),
    run: v.string(),
  }),
  v.strictObject({
    name: v.optional(v.string()),
    if: v.optional(v.string()),
    uses: v.pipe(v.string(), v.regex(/^[\w-]+\/[\w-]+@v\d+$/)),
    with: v.optional(environment),
  }),
])

const github = v.object({
  name: v.string(),
  on: v.object({}),
  permissions: environment,
  jobs: v.record(
    v.string(),
    v.object({ 'runs-on': v.string(), env: v.optional(environment), steps: v.array(githubStep) }),
  ),
})

const gitlabJob = v.strictObject({
  stage: v.string(),
  timeout: v.optional(v.string()),
  resource_group: v.optional(v.string()),
  interruptible: v.optional(v.boolean()),
  retry: v.optional(v.strictObject({ max: v.picklist([0, 1, 2]), exit_codes: v.number() })),
  script: lines,
  artifacts: v.strictObject({
    when: v.literal('always'),
    paths: v.optional(lines),
    reports: v.optional(v.strictObject({ junit: v.string() })),
  }),
})

const gitlab = v.objectWithRest(
  {
    stages: lines,
    default: v.object({ image: v.object({ name: v.string() }) }),
    variables: environment,
    workflow: v.object({ rules: v.array(v.object({ if: v.string() })) }),
  },
  gitlabJob,
)

const named = v.object({ name: v.string() })

const tektonTask = v.object({
  apiVersion: v.literal('tekton.dev/v1'),
  kind: v.literal('Task'),
  metadata: named,
  spec: v.strictObject({
    params: v.array(v.object({ name: v.string(), default: v.string() })),
    workspaces: v.array(named),
    results: v.array(named),
    stepTemplate: v.object({ image: v.string(), envFrom: v.array(v.object({ secretRef: named })) }),
    steps: v.array(v.strictObject({ name: v.string(), script: v.pipe(v.string(), v.startsWith('#!/bin/sh\n')) })),
    sidecars: v.array(v.object({ name: v.string(), image: v.string() })),
  }),
})

const tektonRun = v.object({
  apiVersion: v.literal('tekton.dev/v1'),
  kind: v.literal('TaskRun'),
  metadata: v.object({ generateName: v.string() }),
  spec: v.object({ taskRef: named, workspaces: v.array(named) }),
})

export interface CiFile {
  /** Of docs/ci/. */
  name: string
  text: string
  /** What a shell would be given. */
  scripts: string[]
}

/** The examples, each checked against the form of its system. Throws at what is not YAML, or has another form. */
export function readCiFiles(): CiFile[] {
  return readdirSync(join(root, 'docs/ci')).map(name => {
    const text = readFileSync(join(root, 'docs/ci', name), 'utf8')
    return { name, text, scripts: scriptsOf(name, documentsIn(text)) }
  })
}

function documentsIn(text: string): unknown[] {
  return parseAllDocuments(text, { strict: true, uniqueKeys: true, version: '1.2' }).map(document => {
    if (document.errors[0] !== undefined) throw document.errors[0]
    return document.toJS()
  })
}

export function scriptsOf(name: string, documents: readonly unknown[]): string[] {
  if (name === 'github-actions.yaml') {
    const { jobs } = v.parse(v.tuple([github]), documents)[0]
    return Object.values(jobs).flatMap(({ steps }) => steps.flatMap(step => ('run' in step ? [step.run] : [])))
  }
  if (name === 'gitlab-ci.yml') {
    const { stages, default: _, variables: __, workflow: ___, ...jobs } = v.parse(v.tuple([gitlab]), documents)[0]
    const unknown = Object.values(jobs).find(({ stage }) => !stages.includes(stage))
    if (unknown !== undefined) throw new Error(`There is no stage ${unknown.stage}.`)
    return Object.values(jobs).map(({ script }) => script.join('\n'))
  }
  if (name !== 'tekton.yaml') throw new Error(`docs/ci/${name}: no test knows this system.`)
  const [task, run] = v.parse(v.tuple([tektonTask, tektonRun]), documents)
  if (run.spec.taskRef.name !== task.metadata.name) throw new Error('The run is of another task.')
  return task.spec.steps.map(({ script }) => script)
}
