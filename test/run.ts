// Runs the test files, two at a time, and reports each when it is done. Arguments select files by a part of their path.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Done, Step } from "./lane.js"
import { killGroup } from "./support/children.js"
import { sweep } from "./support/postgres.js"

const AT_ONCE = 2
/** Beyond the limit that mocha sets to a test: what runs longer cannot be ended from within its process. */
const GRACE_MS = 30_000
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

/** The size of a file tells roughly how long it takes. */
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

/** A lane that does not get on with it is killed, and one that is gone is a failure. */
async function run(file: string, lane: ChildProcess): Promise<Done> {
  let timer: NodeJS.Timeout | undefined
  let last: Step
  const begin = (step: Step) => {
    last = step
    clearTimeout(timer)
    timer = setTimeout(() => killGroup(lane.pid as number), step.limitMs + GRACE_MS)
  }
  begin({ step: "the start", limitMs: GRACE_MS })
  const over = new AbortController()
  const lost = once(lane, "exit", { signal: over.signal }).then(([code, signal]) => {
    const report = `\n  The process ended (${signal ?? `code ${code}`}) during: ${last.step}\n\n`
    return { passed: 0, failed: 1, report }
  })
  const done = new Promise<Done>((resolve) => {
    lane.on("message", (message: Step | Done) => ("step" in message ? begin(message) : resolve(message)))
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

/** Lets the lanes end by themselves, and takes away what is left of them. */
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
