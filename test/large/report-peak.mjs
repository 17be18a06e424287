import { writeSync } from 'node:fs'

/** Loaded before a program: what it took goes to file descriptor 3 when it ends, in bytes and seconds. */
process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
  writeSync(3, JSON.stringify({ memory: maxRSS * 1024, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 }))
})
