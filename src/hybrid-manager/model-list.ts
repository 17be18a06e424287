import { numberAt, read, textAt } from '../system/json.ts'
import { sanitize } from '../system/secret.ts'

export interface HybridManagerModel {
  id: string
  name?: string
  /** What its pods pull; absent where it says none. */
  image?: string
}

export interface ModelList {
  models: HybridManagerModel[]
  /** False where the answer says that there are more; how to ask for them is not documented. */
  complete: boolean
}

/**
 * The how-to shows no answer, only that it is JSON with an id for each model, and that the image is its `imageUrl`. So the
 * list may be the answer itself, or the one list of objects with ids that lies in it.
 *
 * @returns `undefined` where there is no such list.
 */
export function parseModelList(json: unknown): ModelList | undefined {
  const list = listIn(json) ?? listIn(read(json, 'data'))
  if (list === undefined) return undefined
  const models = list.map(parseModel)
  if (!models.every(model => model !== undefined)) return undefined
  return { models: models.toSorted(byName), complete: !saysMore(json, models.length) }
}

function listIn(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value
  if (typeof value !== 'object' || value === null) return undefined
  const lists = Object.values(value).filter(each => Array.isArray(each))
  return lists.length === 1 ? lists[0] : undefined
}

/** Shown, and piped into other commands: in one line, whatever it holds. */
function parseModel(value: unknown): HybridManagerModel | undefined {
  const id = textAt(value, 'id') ?? textAt(value, 'modelId') ?? numberAt(value, 'id')?.toString()
  if (id === undefined) return undefined
  const name = textAt(value, 'name') ?? textAt(value, 'displayName') ?? textAt(value, 'modelName')
  const image = textAt(value, 'imageUrl')
  return {
    id: oneLine(id),
    ...(name !== undefined && { name: oneLine(name) }),
    ...(image !== undefined && { image: oneLine(image) }),
  }
}

function oneLine(text: string): string {
  return sanitize(text).replaceAll(/\s+/g, ' ').trim()
}

function byName(a: HybridManagerModel, b: HybridManagerModel): number {
  return compare(a.name ?? '', b.name ?? '') || compare(a.id, b.id)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

/** As APIs of all kinds say that a list has more pages. */
function saysMore(json: unknown, shown: number): boolean {
  return [json, ...['pagination', 'meta', 'page', 'links'].map(name => read(json, name))].some(
    each =>
      ['next', 'nextPage', 'nextPageToken', 'nextToken', 'nextCursor', 'next_page_token'].some(
        name => textAt(each, name) !== undefined || numberAt(each, name) !== undefined,
      ) ||
      ['hasMore', 'hasNext', 'has_more'].some(name => read(each, name) === true) ||
      ['total', 'totalCount', 'totalItems'].some(name => (numberAt(each, name) ?? 0) > shown),
  )
}
