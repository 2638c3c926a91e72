// One of the processes of run.ts that run test files, one after the other; they share a PostgreSQL. It takes the name of a file
// as a message and answers with a Step at each step and a Done at the end; it ends when the other end hangs up.
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { format } from "node:util"
import Mocha from "mocha"

/** What a lane does from now on and how long that may take. */
export interface Step {
  readonly step: string
  readonly limitMs: number
}

/** How a file's tests ended; `report` shows the failures. */
export interface Done {
  readonly passed: number
  readonly failed: number
  readonly report: string
}

// Mocha loads test files by `require`; what holds state for them has to come the same way, or there are two of it.
const require = createRequire(import.meta.url)
const { mochaHooks }: typeof import("./support/hooks.js") = require("./support/hooks.ts")
const { endSharedCluster }: typeof import("./support/postgres.js") = require("./support/postgres.ts")
const { measureSlowness, scaled }: typeof import("./support/slowness.js") = require("./support/slowness.ts")

const settings = JSON.parse(await readFile(new URL("../.mocharc.json", import.meta.url), "utf8"))

process.on("message", async (file: string) => {
  await measureSlowness()
  const timeout = scaled(settings.timeout)
  tell({ step: "loading the file", limitMs: timeout })
  tell(await run(new Mocha({ ...settings, timeout, rootHooks: mochaHooks }), file))
})
await once(process, "disconnect")
await endSharedCluster()
process.exit()

async function run(mocha: Mocha, file: string): Promise<Done> {
  let outcome: Mocha.reporters.Base | undefined
  mocha.reporter(
    class extends Mocha.reporters.Base {
      constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
        super(runner, options)
        outcome = this
        for (const event of ["test", "hook"])
          runner.on(event, (runnable) => tell({ step: runnable.fullTitle(), limitMs: runnable.timeout() }))
      }
    },
  )
  try {
    mocha.addFile(file)
    await mocha.loadFilesAsync()
    await new Promise((resolve) => mocha.run(resolve))
    const { stats, failures } = outcome as unknown as Mocha.reporters.Base
    return { passed: stats.passes, failed: stats.failures, report: listed(failures) }
  } catch (error) {
    return { passed: 0, failed: 1, report: format(error) }
  } finally {
    // Its listeners would take the next file's failures for its own.
    mocha.dispose()
  }
}

/** The failures as mocha prints them; it knows no other way than to print. */
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

function tell(message: Step | Done) {
  process.send?.(message)
}
