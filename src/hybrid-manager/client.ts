import type { ConnectionOptions } from '../system/http/connections.ts'
import { openJsonClient } from '../system/http/json-client.ts'
import type { Report } from '../system/progress.ts'
import type { RetryPolicy } from '../system/retry.ts'
import type { Secret } from '../system/secret.ts'
import { invalidAnswer, refuse, refusedChange, unanswered } from './errors.ts'
import { parseModelList, type ModelList } from './model-list.ts'

export interface HybridManagerOptions {
  /** Sent to the portal's own origin alone. */
  key: Secret
  connections: ConnectionOptions
  retry: RetryPolicy
  signal: AbortSignal
  report: Report
}

/**
 * The API of EDB Hybrid Manager for the images of its models, as far as its how-to shows it (version 1.3, "How-To Use
 * NVIDIA NIM Model Cache in Air-Gapped Clusters"): what an answer looks like, the how-to does not say.
 */
export interface HybridManager {
  /**
   * @throws NimctlError `auth` / `HM_AUTH`; `not-found` / `HM_NOT_FOUND`; `unavailable` / `HM_UNREACHABLE`, `HM_FAILED`,
   * `HM_THROTTLED`, `HM_TLS`, `HM_ANSWER_INVALID`.
   */
  listModels(): Promise<ModelList>
  /** The same request sets the same image, so that it may be sent again. @throws as `listModels`; `usage` / `HM_CHANGE_REFUSED`. */
  setImage(id: string, image: string): Promise<void>
  close(): void
}

const models = 'api/v1/ai-models'

/**
 * @param portal its address, with a slash at the end.
 * @throws NimctlError `usage` / `CA_FILE_UNREADABLE`, `PROXY_INVALID`.
 */
export async function openHybridManager(
  portal: URL,
  { key, ...options }: HybridManagerOptions,
): Promise<HybridManager> {
  const client = await openJsonClient(portal, {
    ...options,
    headers: { 'x-access-key': key.unwrap() },
    secrets: [key],
    refuse,
    unanswered,
  })
  return {
    async listModels() {
      const { status, json, words } = await client.ask(models)
      const list = status === 200 ? parseModelList(json) : undefined
      if (list === undefined) throw invalidAnswer(portal, status, words)
      return list
    },
    async setImage(id, image) {
      const path = `${models}/${encodeURIComponent(id)}`
      const { status, words } = await client.ask(path, { method: 'PATCH', body: { imageUrl: image } })
      if (status >= 400) throw refusedChange(id, status, words)
      if (status >= 300) throw invalidAnswer(portal, status, words)
    },
    close: () => client.close(),
  }
}
