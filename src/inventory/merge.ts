import { compareUtf8 } from '../system/utf8-order.ts'

interface Keyed {
  key: string
}

/**
 * Goes through two sequences side by side, both in the UTF-8 order of keys: what has the same key comes together, what
 * only one has comes alone. Holds one of each.
 *
 * @param left may have a key several times: each comes with what is on the right.
 * @param right has each key once.
 */
export async function* mergeByKey<L extends Keyed, R extends Keyed>(
  left: AsyncIterable<L>,
  right: AsyncIterable<R>,
): AsyncGenerator<{ left?: L; right?: R }> {
  const lefts = left[Symbol.asyncIterator]()
  const rights = right[Symbol.asyncIterator]()
  try {
    let l = await lefts.next()
    let r = await rights.next()
    let met = false
    for (;;) {
      if (l.done !== true && (r.done === true || compareUtf8(l.value.key, r.value.key) < 0)) {
        yield { left: l.value }
        l = await lefts.next()
      } else if (r.done === true) {
        return
      } else if (l.done !== true && l.value.key === r.value.key) {
        yield { left: l.value, right: r.value }
        met = true
        l = await lefts.next()
      } else {
        if (!met) yield { right: r.value }
        met = false
        r = await rights.next()
      }
    }
  } finally {
    await Promise.all([lefts.return?.(), rights.return?.()])
  }
}
