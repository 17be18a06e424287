import * as v from 'valibot'

import { invalidAnswer } from './ngc-errors.ts'

/** A page of the list of a version's files. */
export interface FileListPage {
  /** Where each file lies, by its name. */
  urls: ReadonlyMap<string, URL>
  /** How many pages there are. */
  pages: number
}

/** Versions that NGC stores in its newer way have a list without addresses. */
const schema = v.object({
  paginationInfo: v.optional(v.object({ totalPages: v.optional(v.pipe(v.number(), v.integer())) })),
  urls: v.optional(v.array(v.string()), []),
  filepath: v.optional(v.array(v.string()), []),
})

/**
 * Reads one page. Addresses that lead from HTTPS to HTTP are left out.
 *
 * @param url where it was asked for.
 * @throws NimctlError `unavailable` / `NGC_ANSWER_INVALID`.
 */
export function readFileList(body: Buffer, { url, subject }: { url: URL; subject: string }): FileListPage {
  const { paginationInfo, urls, filepath } = parse(body, subject)
  if (urls.length > 0 && urls.length !== filepath.length) {
    throw invalidAnswer(subject, `It lists ${urls.length} addresses for ${filepath.length} files.`)
  }
  const found = urls.flatMap((text, index) => {
    const [name, address] = [filepath[index], URL.parse(text)]
    return name === undefined || address === null || !isPermitted(address, url) ? [] : [[name, address] as const]
  })
  return { urls: new Map(found), pages: paginationInfo?.totalPages ?? 1 }
}

function parse(body: Buffer, subject: string): v.InferOutput<typeof schema> {
  try {
    return v.parse(schema, JSON.parse(body.toString('utf8')))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof v.ValiError) {
      throw invalidAnswer(subject, 'It is no list of files.')
    }
    throw error
  }
}

/** What was asked for over TLS is not taken without. */
export function isPermitted(to: URL, from: URL): boolean {
  return to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:')
}
