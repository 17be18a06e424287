import { text } from 'node:stream/consumers'

import type { CoreV1Event, RequestContext, ResponseContext, V1Pod } from '@kubernetes/client-node'

import type { Cluster, LogRequest } from './cluster.ts'
import { type ClusterSettings, type Connection, findCluster } from './connect.ts'
import { errorOfAnswer, readAnswer, readStatus, translateApiError } from './errors.ts'
import { execTask, runInContainer } from './exec.ts'
import { requestLog } from './log-request.ts'
import { openObjectApi } from './object-api.ts'

/** An API server that does not answer in this time is as good as unreachable. Logs have no such limit. */
const answerMs = 30_000

/** Opens the cluster that kubectl would ask. The client library is loaded here, and not before. */
export async function openCluster(settings: ClusterSettings): Promise<Cluster> {
  const connection = await findCluster(settings)
  const { server, namespace } = connection
  const { batch, core } = await openApis(connection)
  const ask: Ask = async (task, signal, question) => {
    signal.throwIfAborted()
    try {
      return await question()
    } catch (error) {
      signal.throwIfAborted()
      throw translateApiError(error, { task, server, namespace })
    }
  }
  const listPods = async (labelSelector: string, signal: AbortSignal) => {
    const request = { namespace, labelSelector }
    const { items } = await ask('list pods', signal, async () => core(signal).listNamespacedPod(request))
    return items
  }
  return {
    ...openObjectApi(connection),
    address: server,
    namespace,
    createJob(job, signal) {
      const create = async () => batch(signal).createNamespacedJob({ namespace, body: job })
      return ask('create a Job', signal, () => create().then(() => true, absentFor('AlreadyExists', false)))
    },
    readJob(name, signal) {
      const read = async () => batch(signal).readNamespacedJob({ name, namespace })
      return ask('read a Job', signal, () => read().catch(absentFor('NotFound', undefined)))
    },
    async deleteJob(name, signal) {
      const request = { name, namespace, propagationPolicy: 'Foreground' }
      const remove = async () => batch(signal).deleteNamespacedJob(request)
      await ask('delete a Job', signal, () => remove().catch(absentFor('NotFound', undefined)))
    },
    async listPodsOfJob(name, signal) {
      const items = await listPods(`job-name=${name}`, signal)
      return items.toSorted((a, b) => createdMs(b) - createdMs(a))
    },
    readPod(name, signal) {
      const read = async () => core(signal).readNamespacedPod({ name, namespace })
      return ask('read a pod', signal, () => read().catch(absentFor('NotFound', undefined)))
    },
    listPods,
    async listEvents({ kind, name }, signal) {
      const fieldSelector = `involvedObject.kind=${kind},involvedObject.name=${name}`
      const list = async () => core(signal).listNamespacedEvent({ namespace, fieldSelector })
      const { items } = await ask('list events', signal, () => list().catch(absentFor('Forbidden', { items: [] })))
      return items.toSorted((a, b) => happenedMs(b) - happenedMs(a))
    },
    openLog: (log, signal) => ask('read a log', signal, () => openLog(connection, log, signal)),
    exec: (request, signal) => ask(execTask, signal, () => runInContainer(connection, request, signal)),
  }
}

type Ask = <Answer>(task: string, signal: AbortSignal, question: () => Promise<Answer>) => Promise<Answer>

/** The library's requests take no signal: it is given to them on their way. */
async function openApis({ config, server }: Connection) {
  const { BatchV1Api, CoreV1Api, createConfiguration, ServerConfiguration } = await import('@kubernetes/client-node')
  const configuration = (signal: AbortSignal) => {
    const limit = {
      async pre(context: RequestContext) {
        context.setSignal(AbortSignal.any([signal, AbortSignal.timeout(answerMs)]))
        return context
      },
      post: async (context: ResponseContext) => context,
    }
    const baseServer = new ServerConfiguration(server, {})
    return createConfiguration({ baseServer, authMethods: { default: config }, promiseMiddleware: [limit] })
  }
  return {
    batch: (signal: AbortSignal) => new BatchV1Api(configuration(signal)),
    core: (signal: AbortSignal) => new CoreV1Api(configuration(signal)),
  }
}

/** Turns one of the server's reasons into a value. */
function absentFor<Value>(reason: string, value: Value): (error: unknown) => Value {
  return error => {
    if (readAnswer(error)?.reason === reason) return value
    throw error
  }
}

async function openLog(connection: Connection, log: LogRequest, signal: AbortSignal) {
  const answer = await requestLog(connection, log, signal)
  const status = answer.statusCode ?? 0
  if (status === 200) return answer
  const { reason = '', message = `HTTP ${status}` } = readStatus(await text(answer))
  // 400: the container is still waiting to start; 404: its pod is gone.
  if (status === 400 || status === 404) return undefined
  const { server, namespace } = connection
  throw errorOfAnswer({ status, reason, message }, { task: 'read a log', server, namespace })
}

function createdMs({ metadata }: V1Pod): number {
  return metadata?.creationTimestamp?.getTime() ?? 0
}

function happenedMs({ lastTimestamp, metadata }: CoreV1Event): number {
  return (lastTimestamp ?? metadata.creationTimestamp)?.getTime() ?? 0
}
