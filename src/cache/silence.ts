/** Calls `onSilence` each time that nothing was heard for so long. It keeps no process alive. */
export function watchSilence(silenceMs: number, onSilence: () => void): { heard: () => void; stop: () => void } {
  const timer = setInterval(onSilence, silenceMs).unref()
  return {
    heard: () => void timer.refresh(),
    stop: () => clearInterval(timer),
  }
}
