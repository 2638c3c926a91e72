// Loaded by mocha before the tests: no process outlives the tests that started it.
import type { ChildProcess } from "node:child_process"
import { endChildren, runningChildren } from "./children.js"
import { clearThrowaways, endSharedCluster } from "./postgres.js"
import { measureSlowness } from "./slowness.js"

let before: ReadonlySet<ChildProcess> = new Set()

/** Root hooks, which mocha runs around the tests of every file. */
export const mochaHooks = {
  beforeEach() {
    before = runningChildren()
  },
  /** Ending its child lets a test that timed out waiting for it reach its own cleanup. */
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

// By default these signals end the process without its exit hooks, which end its children.
for (const signal of ["SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1))

// Mocha ignores unhandled rejections; this fails the running test.
process.on("unhandledRejection", (reason) => {
  throw reason
})
