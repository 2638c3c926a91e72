// A process of run.ts: runs test files one after the other on one PostgreSQL. Each message to it names a file; it answers with
// a Step before each test and hook and with an Outcome at the end of the file, and exits when run.ts disconnects.
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { format } from "node:util"
import Mocha from "mocha"

/** The tests of a file that have ended; `report` shows the failures among them. */
export interface Outcome {
  readonly passed: number
  readonly failed: number
  readonly report: string
}

/** A test or hook that begins, how long it may take, and the outcome so far. */
export interface Step {
  readonly step: string
  readonly limitMs: number
  readonly before: Outcome
}

const NOTHING: Outcome = { passed: 0, failed: 0, report: "" }

// Mocha loads test files with `require`. Imported, these modules would be loaded a second time, with state of their own.
const require = createRequire(import.meta.url)
const { mochaHooks }: typeof import("./support/hooks.js") = require("./support/hooks.ts")
const { endSharedCluster }: typeof import("./support/postgres.js") = require("./support/postgres.ts")
const { measureSlowness, scaled }: typeof import("./support/slowness.js") = require("./support/slowness.ts")

const settings = JSON.parse(await readFile(new URL("../.mocharc.json", import.meta.url), "utf8"))

process.on("message", async (file: string) => {
  await measureSlowness()
  const timeout = scaled(settings.timeout)
  tell({ step: "loading the file", limitMs: timeout, before: NOTHING })
  tell(await run(new Mocha({ ...settings, timeout, rootHooks: mochaHooks }), file))
})
await once(process, "disconnect")
await endSharedCluster()
process.exit()

async function run(mocha: Mocha, file: string): Promise<Outcome> {
  let outcome = () => NOTHING
  mocha.reporter(
    class extends Mocha.reporters.Base {
      constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
        super(runner, options)
        outcome = () => outcomeOf(this)
        for (const event of ["test", "hook"])
          runner.on(event, (runnable) =>
            tell({ step: runnable.fullTitle(), limitMs: runnable.timeout(), before: outcome() }),
          )
      }
    },
  )
  try {
    mocha.addFile(file)
    await mocha.loadFilesAsync()
    await new Promise((resolve) => mocha.run(resolve))
    return outcome()
  } catch (error) {
    return { passed: 0, failed: 1, report: `\n${format(error)}\n\n` }
  } finally {
    // Its listeners would take the next file's failures for its own.
    mocha.dispose()
  }
}

function outcomeOf({ stats, failures }: Mocha.reporters.Base): Outcome {
  return { passed: stats.passes, failed: stats.failures, report: listed(failures) }
}

/** The failures as mocha prints them: printing is all it can do. */
function listed(failures: Mocha.Test[]) {
  if (failures.length === 0) return ""
  const { Base } = Mocha.reporters
  const { consoleLog } = Base
  const lines: string[] = []
  Base.consoleLog = (...args: unknown[]) => lines.push(format(...args))
  Base.list(failures)
  Base.consoleLog = consoleLog
  return lines.join("\n")
}

function tell(message: Step | Outcome) {
  if (process.connected) process.send?.(message)
}
