import { renderDocument } from '../../src/cli/render/document.ts'
import { renderReport } from '../../src/cli/render/report.ts'
import { openCheckLog } from '../../src/system/check.ts'
import { silent } from '../../src/system/progress.ts'
import { findCollision } from '../../src/transfer/check-names.ts'
import { listCaches } from '../../src/transfer/list-caches.ts'
import { requireInventory } from '../../src/transfer/marker.ts'
import { validateStore } from '../../src/validate/store.ts'
import { openGeneratedStore } from './generated-store.ts'

/** large-main.ts json|text|list|download FILES sorted|unsorted whole|broken: what a command does with a large store. */
const [task, files = '', order, state] = process.argv.slice(2)
const broken = state === 'broken'
const store = openGeneratedStore({ files: Number(files), sorted: order === 'sorted', broken })
const { signal } = new AbortController()

if (task === 'list') {
  const [cache] = await listCaches(store, signal)
  expectSame(cache?.complete, !broken)
} else if (task === 'download') {
  const { inventory } = await requireInventory(store, undefined, signal)
  expectSame(inventory.entries.length, Number(files))
  expectSame(findCollision(inventory.entries), undefined)
} else {
  const log = openCheckLog()
  const options = { profiles: [], deep: false, checks: log, concurrency: 16, signal, report: silent }
  const report = await validateStore({ store, ...options })
  const { ok, target, summary, checks } = report
  expectSame(ok, !broken)
  if (task === 'text') process.stdout.write(await renderReport(report))
  else
    for await (const piece of renderDocument({ ok, target, summary }, 'checks', checks)) {
      if (!process.stdout.write(piece)) await new Promise(resolve => process.stdout.once('drain', resolve))
    }
  await log.close()
}

function expectSame(found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`Found ${String(found)} instead of ${String(expected)}.`)
}
