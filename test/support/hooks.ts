// What mocha does around each test and each file: no process outlives the test that started it.
import type { ChildProcess } from "node:child_process"
import { endChildren, runningChildren } from "./children.js"
import { clearThrowaways, endSharedCluster } from "./postgres.js"
import { measureSlowness } from "./slowness.js"

let before: ReadonlySet<ChildProcess> = new Set()

/** Root hooks: those of each test, and the one after the last test. */
export const mochaHooks = {
  beforeEach() {
    before = runningChildren()
  },
  /** A test that fails may not come to its own clean-up: one that waits for its child goes on once the child is gone. */
  afterEach(this: Mocha.Context) {
    if (this.currentTest?.isFailed()) endChildren(before)
  },
  afterAll() {
    endChildren()
    clearThrowaways()
  },
}

export const mochaGlobalSetup = measureSlowness
export const mochaGlobalTeardown = endSharedCluster

// Else these signals would end the process without its exit hooks, and its children would live on.
for (const signal of ["SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1))

// Mocha alone would pass over it; so the test that runs now fails.
process.on("unhandledRejection", (reason) => {
  throw reason
})
