/** Runs `last` when this process ends before it was taken back: on exit, and on Ctrl-C and SIGTERM. */
export function onProcessEnd(last: () => void): () => void {
  if (hooks.size === 0) watch()
  hooks.add(last)
  return () => {
    hooks.delete(last)
    if (hooks.size === 0) unwatch()
  }
}

// State of the process, not of a caller: there is one exit, and many servers to stop at it.
const hooks = new Set<() => void>()
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function watch(): void {
  process.on('exit', runHooks)
  for (const signal of signals) process.on(signal, onSignal)
}

function unwatch(): void {
  process.off('exit', runHooks)
  for (const signal of signals) process.off(signal, onSignal)
}

function onSignal(signal: NodeJS.Signals): void {
  // Someone else (vitest, the demo) ends this process in its own way; the exit hook follows.
  if (process.listenerCount(signal) > 1) return
  runHooks()
  // Dies of the signal, as it would have without us: process.exit is forbidden inside a vitest worker.
  process.kill(process.pid, signal)
}

function runHooks(): void {
  // Newest first: a directory was made before the server that writes into it.
  for (const last of [...hooks].reverse()) {
    try {
      last()
    } catch (error) {
      process.stderr.write(`While stopping: ${String(error)}\n`)
    }
  }
  hooks.clear()
  unwatch()
}
