import { checkReads } from "./checkReads.js"
import { checkRevocations, type Delegators } from "./checkRevocations.js"
import { checkWrites } from "./checkWrites.js"
import type { Call, Version } from "./history.js"
import { describeCall } from "./history.js"
import { createTimeline, type Timeline } from "./timeline.js"

/** A promise that was broken, and the calls that show it. */
export interface Violation {
  readonly rule: string
  readonly text: string
}

/** What was observed and what happened. */
export interface Observed {
  readonly calls: readonly Call[]
  /** The database's history of the same agents, whole. */
  readonly versions: readonly Version[]
  /** How old a plain read may be, in milliseconds. */
  readonly boundMs: number
  /** Of the agents whose chains say that they were delegated to, whenever they are stored: by whom. */
  readonly delegators: Delegators
}

/**
 * Compares what callers were told with what happened. Given the order of changes, which the revisions are, the calls are
 * linearizable exactly if each change and each read can be given a moment of its own call so that the moments are in that order:
 * if nothing that must come after a moment must also come before it.
 */
export function checkHistory({ calls, versions, boundMs, delegators }: Observed): Violation[] {
  const timeline = createTimeline(versions)
  const violations: Violation[] = []
  const fail = (rule: string, text: string) => violations.push({ rule, text })
  checkWrites(calls, timeline, fail)
  checkRevocations(calls, delegators, timeline, fail)
  timeline.settle()
  checkOrder(timeline, fail)
  if (violations.length > 0) return violations
  // Once with what writers know alone, so that a bad read is found rather than what it leads to.
  checkReads(calls, timeline, boundMs, fail)
  if (violations.length > 0) return violations
  timeline.settle()
  checkOrder(timeline, fail)
  checkReads(calls, timeline, boundMs, fail)
  return violations
}

/** Reports a broken promise. */
export type Fail = (rule: string, text: string) => void

function checkOrder(timeline: Timeline, fail: Fail) {
  for (const version of timeline.versions) {
    const [earliest, latest] = [timeline.earliest(version), timeline.latest(version)]
    if (earliest.at <= latest.at) continue
    const calls = [earliest.by, latest.by].map((call) => call && describeCall(call)).join("\n  ")
    fail("order", `r${version.revision} of ${version.agentId} has no moment of its own between\n  ${calls}`)
  }
}
