// For node --import: the clock of a machine that nobody has set.
const shiftMs = Number(process.env.NIMCTL_TEST_CLOCK_MS)
const Real = Date
globalThis.Date = class extends Real {
  constructor(...args) {
    super(...(args.length === 0 ? [Real.now() + shiftMs] : args))
  }
  static now() {
    return Real.now() + shiftMs
  }
}
