import { compareUtf8 } from '../system/utf8-order.ts'
import type { CacheEntry, CacheTree } from './cache-tree.ts'
import { claimedMd5, resolveLinks } from './scan.ts'

/**
 * Prints the directory that is its first argument, one entry a line, for `readTreeListing`. A shell with `stat` and
 * `readlink` of coreutils or busybox is all it needs; `find` is not in every image.
 */
export const treeScript = `walk() {
  for entry in "$1"/* "$1"/.[!.]*; do
    if [ -L "$entry" ]; then printf 'link\\t%s\\t%s\\n' "\${entry#./}" "$(readlink "$entry")"
    elif [ -d "$entry" ]; then walk "$entry"
    elif [ -e "$entry" ]; then printf 'file\\t%s\\t%s\\n' "\${entry#./}" "$(stat -c '%s %a %Y %i' "$entry")"
    fi
  done
}
cd "$1" && walk . && echo end
`

/**
 * The tree that `treeScript` printed; `undefined` where it did not come to its end. Empty folders are not in it.
 *
 * @param root what people call the directory.
 */
export function readTreeListing(root: string, lines: readonly string[]): CacheTree | undefined {
  if (lines.at(-1) !== 'end') return undefined
  const entries = lines.slice(0, -1).flatMap(readEntry)
  entries.sort((a, b) => compareUtf8(a.path, b.path))
  resolveLinks(entries)
  return { root, entries }
}

function readEntry(line: string): CacheEntry[] {
  const [type, path = '', rest = ''] = line.split('\t')
  if (path === '' || path.startsWith('.nimctl/')) return []
  if (type === 'link') return [{ type, path, target: rest }]
  if (type !== 'file') return []
  const [size = '', mode = '', modifiedSeconds = '', inode = ''] = rest.split(' ')
  return [
    {
      type,
      path,
      size: Number(size),
      mode: Number.parseInt(mode, 8) & 0o777,
      modifiedMs: Number(modifiedSeconds) * 1000,
      inode: Number(inode),
      ...claimedMd5(path),
    },
  ]
}
