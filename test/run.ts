// Runs the test files, three at a time, and reports each when it is done. Arguments select files by a part of their path.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Outcome, Step } from "./lane.js"
import { killGroup } from "./support/children.js"
import { sweep } from "./support/postgres.js"

const AT_ONCE = 3
/** Beyond mocha's own limit for a test. What runs longer blocks its process, and only killing that ends it. */
const GRACE_MS = 60_000
const START_MS = 240_000
const root = join(import.meta.dirname, "..")

const waiting = await longestFirst()
const lanes = new Set<ChildProcess>()
const total = { passed: 0, failed: 0 }
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.once(signal, async () => {
    await end()
    process.exit(1)
  })
await Promise.all(Array.from({ length: AT_ONCE }, runFiles))
await end()
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`)
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0

/** Sorts by size, which tells roughly how long a file takes. */
async function longestFirst(): Promise<string[]> {
  const names = await readdir(import.meta.dirname, { recursive: true })
  const parts = process.argv.slice(2)
  const chosen = names
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join("test", name))
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
  const sized = await Promise.all(
    chosen.map(async (file) => ({ file, size: (await stat(join(root, file))).size })),
  )
  return sized.sort((a, b) => b.size - a.size).map(({ file }) => file)
}

async function runFiles(): Promise<void> {
  let lane = startLane()
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    if (!lane.connected) lane = startLane()
    const began = performance.now()
    const { passed, failed, report } = await run(file, lane)
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    process.stdout.write(`${file}: ${passed} passed, ${failed} failed, ${seconds} s\n${report}`)
    total.passed += passed
    total.failed += failed
  }
}

function startLane(): ChildProcess {
  const args = ["--import", "tsx", "--enable-source-maps", join(import.meta.dirname, "lane.ts")]
  const lane = spawn(process.execPath, args, {
    cwd: root,
    detached: true,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  })
  lanes.add(lane)
  lane.once("exit", () => lanes.delete(lane))
  return lane
}

/** Kills a lane that hangs; a lane that is gone counts as a failure. */
async function run(file: string, lane: ChildProcess): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined
  let last: Step
  const begin = (step: Step) => {
    last = step
    clearTimeout(timer)
    timer = setTimeout(() => killGroup(lane.pid as number), step.limitMs + GRACE_MS)
  }
  begin({ step: "the start", limitMs: START_MS, before: { passed: 0, failed: 0, report: "" } })
  const over = new AbortController()
  const lost = once(lane, "exit", { signal: over.signal }).then(([code, signal]) => {
    const { step, before } = last
    const how = `\n  The process ended (${signal ?? `code ${code}`}) during: ${step}\n\n`
    return { passed: before.passed, failed: before.failed + 1, report: before.report + how }
  })
  const done = new Promise<Outcome>((resolve) => {
    lane.on("message", (message: Step | Outcome) => ("step" in message ? begin(message) : resolve(message)))
    lane.send(join(root, file))
  })
  try {
    return await Promise.race([done, lost])
  } finally {
    clearTimeout(timer)
    lost.catch(() => undefined)
    over.abort()
    lane.removeAllListeners("message")
  }
}

/** Lets the lanes exit and removes what they left behind. */
async function end(): Promise<void> {
  waiting.length = 0
  const ending = [...lanes].map(async (lane) => {
    lane.disconnect()
    const timer = setTimeout(() => killGroup(lane.pid as number), GRACE_MS)
    await once(lane, "exit")
    clearTimeout(timer)
  })
  await Promise.all(ending)
  await sweep()
}
