// Steps the wall clock of a process, as NTP or a resumed machine does: each SIGUSR2 adds the next of CLOCK_STEPS_MS to it. The first
// of them holds from the start. `performance.now()` goes on as it did.
const steps = (process.env.CLOCK_STEPS_MS ?? "").split(",").map(Number)
const RealDate = Date
let shift = steps.shift() ?? 0

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length > 0) super(...parts)
    else super(RealDate.now() + shift)
  }
  static now() {
    return RealDate.now() + shift
  }
}
process.on("SIGUSR2", () => {
  shift += steps.shift() ?? 0
  process.stdout.write(`${JSON.stringify({ level: "info", msg: "the clock was stepped", shift })}\n`)
})
