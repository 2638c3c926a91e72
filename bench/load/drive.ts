// The load generator: unary gRPC calls with prepared bodies, in its own process. `drive.ts JOB` (JSON, see Job) prints a
// Drive as JSON. h2load can send only one body, but uncached reads and writes need a different one for each call.
import { readFileSync } from "node:fs"
import { readBodies } from "./bodies.js"
import { type Line, openLine } from "./frames.js"
import type { Drive, Job } from "./job.js"
import { latencyOf } from "./latency.js"

const job = JSON.parse(process.argv[2] ?? "") as Job
const bodies = readBodies(readFileSync(job.bodies))
const separator = job.address.lastIndexOf(":")
const host = job.address.slice(0, separator)
const port = Number(job.address.slice(separator + 1))
const lines = await Promise.all(Array.from({ length: job.connections }, () => openLine(host, port, job.path)))

/** How late a timer may fire, in milliseconds. */
const TIMER_MS = 2

let sent = 0
let failures = 0
let total = 0
const answered: [number, number][] = []
const latencies: number[] = []
const begin = performance.now()
const measureFrom = begin + (job.once ? 0 : job.warmSeconds * 1000)
const measureTo = measureFrom + (job.once ? Number.POSITIVE_INFINITY : job.seconds * 1000)

if (job.rate === undefined) await keepInFlight(job.inFlight)
else await keepRate(job.rate)

for (const line of lines) line.close()
process.stdout.write(JSON.stringify(resultOf()))

/** Closed loop: keeps this many calls open. Resolves when the last one has ended. */
function keepInFlight(inFlight: number): Promise<void> {
  return new Promise((resolve) => {
    let open = 0
    const next = (line: Line) => {
      const now = performance.now()
      if (now > measureTo || (job.once && sent >= bodies.length)) {
        if (open === 0) resolve()
        return
      }
      open++
      send(line, now, () => {
        open--
        next(line)
      })
    }
    for (let index = 0; index < inFlight; index++) next(lineAt(index))
    for (const line of lines) line.flush()
  })
}

/** Open loop: calls are due at a fixed rate, and each is measured from when it was due, even if it was sent late. */
function keepRate(rate: number): Promise<void> {
  const step = 1000 / rate
  const total = Math.floor((measureTo - begin) / step)
  let started = 0
  let open = 0
  return new Promise((resolve) => {
    const turn = () => {
      const due = Math.min(total, Math.floor((performance.now() - begin) / step))
      for (; started < due; started++) {
        open++
        send(lineAt(started), begin + started * step, () => {
          open--
          if (open === 0 && started === total) resolve()
        })
      }
      for (const line of lines) line.flush()
      if (started === total) return
      const restMs = begin + started * step - performance.now()
      // Waits the last moments without a timer: timers would send calls in bunches that queue behind each other.
      if (job.coarse) setTimeout(turn, restMs)
      else if (restMs > 2 * TIMER_MS) setTimeout(turn, restMs - TIMER_MS)
      else setImmediate(turn)
    }
    turn()
  })
}

function lineAt(index: number) {
  return lines[index % lines.length] as Line
}

function send(line: Line, from: number, then: () => void) {
  const index = sent++ % bodies.length
  const body = bodies[index] as Buffer
  line.call(body, (ok) => {
    const now = performance.now()
    if (ok) total++
    else failures++
    if (ok && job.times) answered.push([index, performance.timeOrigin + now])
    if (ok && now >= measureFrom && now <= measureTo) latencies.push(now - from)
    then()
  })
}

function resultOf(): Drive {
  const seconds = job.once ? (performance.now() - measureFrom) / 1000 : job.seconds
  const counts = { answers: latencies.length, failures, total }
  const moments = { measuredFrom: performance.timeOrigin + measureFrom, answered }
  return { seconds, ...counts, ...moments, latency: latencyOf(latencies) }
}
