import { numberAt, read, textAt } from '../system/json.ts'
import type { EndpointAnswer } from './endpoint-client.ts'

/** What a model is for, as far as its server shows it. */
export type EndpointKind = 'chat' | 'completion' | 'embeddings' | 'rerank'

/** A small request that a model of one kind answers. */
export interface SampleRequest {
  kind: EndpointKind
  path: string
  /** The bodies to try, in this order: the next where a refusal names what the one before had and it has not. */
  bodies: { body: object; unless?: string }[]
  expected: string
  /** What came; `undefined` where it is not what was asked for. */
  judge: (json: unknown) => string | undefined
}

/** In the order in which they are tried: a server of LLMs may know of embeddings too, hardly the other way round. */
export const endpointKinds: readonly EndpointKind[] = ['chat', 'completion', 'embeddings', 'rerank']

const mostTokens = 16

/**
 * @param model absent where the server does not say which it has; one that serves one alone takes that.
 * @see https://docs.nvidia.com/nim/large-language-models/latest/reference/api-reference.html
 * @see https://docs.nvidia.com/nim/nemo-retriever/text-embedding/latest/reference.html
 * @see https://docs.nvidia.com/nim/nemo-retriever/text-reranking/latest/using-reranking.html
 */
export function sampleRequest(kind: EndpointKind, model: string | undefined): SampleRequest {
  const named = model === undefined ? {} : { model }
  switch (kind) {
    case 'chat': {
      const messages = [{ role: 'user', content: 'Say hello.' }]
      return {
        kind,
        path: 'v1/chat/completions',
        bodies: [{ body: { ...named, messages, max_tokens: mostTokens } }],
        expected: 'a message',
        judge: json => judgeChoice(json, ['message', 'content'], ['message', 'reasoning_content']),
      }
    }
    case 'completion':
      return {
        kind,
        path: 'v1/completions',
        bodies: [{ body: { ...named, prompt: 'Hello', max_tokens: mostTokens } }],
        expected: 'a text',
        judge: json => judgeChoice(json, ['text']),
      }
    case 'embeddings': {
      const body = { ...named, input: ['hello'] }
      return {
        kind,
        path: 'v1/embeddings',
        // Models that tell queries from passages want it; others do not know it.
        bodies: [{ body: { ...body, input_type: 'query' }, unless: 'input_type' }, { body }],
        expected: 'a vector',
        judge: judgeVector,
      }
    }
    case 'rerank': {
      const passages = [{ text: 'Cats purr.' }, { text: 'Dogs bark.' }]
      return {
        kind,
        path: 'v1/ranking',
        bodies: [{ body: { ...named, query: { text: 'Which animal barks?' }, passages } }],
        expected: `a ranking of ${passages.length} passages`,
        judge: json => judgeRanking(json, passages.length),
      }
    }
  }
}

/** A server of another kind has no such route; vLLM has it and says that the model is not for it. */
export function isOtherKind({ status, words }: EndpointAnswer): boolean {
  if ([404, 405, 501].includes(status)) return true
  return status === 400 && /does not support|chat template/i.test(words)
}

function judgeChoice(json: unknown, ...places: string[][]): string | undefined {
  const choice = itemsAt(json, 'choices')[0]
  const text = places.map(place => textAt(choice, ...place)).find(found => found !== undefined)
  const tokens = numberAt(json, 'usage', 'completion_tokens')
  // Of a model that thinks first, so few tokens may end before any text.
  if (choice === undefined || (text === undefined && !(tokens !== undefined && tokens > 0))) return undefined
  return tokens === undefined ? `${text?.length ?? 0} characters` : `${tokens} tokens`
}

function judgeVector(json: unknown): string | undefined {
  const vector = itemsAt(itemsAt(json, 'data')[0], 'embedding')
  // NaN becomes null on the way.
  const proper = vector.length > 0 && vector.every(Number.isFinite) && vector.some(each => each !== 0)
  return proper ? `a vector of length ${vector.length}` : undefined
}

function judgeRanking(json: unknown, passages: number): string | undefined {
  const rankings = itemsAt(json, 'rankings')
  const indexes = new Set(rankings.map(each => numberAt(each, 'index')))
  const complete =
    rankings.length === passages && Array.from({ length: passages }, (_, at) => at).every(at => indexes.has(at))
  const scores = rankings.map(each => numberAt(each, 'logit') ?? numberAt(each, 'score'))
  return complete && scores.every(score => Number.isFinite(score)) ? `a ranking of ${passages} passages` : undefined
}

function itemsAt(value: unknown, name: string): unknown[] {
  const found = read(value, name)
  return Array.isArray(found) ? found : []
}
