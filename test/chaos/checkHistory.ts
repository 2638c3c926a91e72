import { checkReads } from "./checkReads.js"
import { checkRevocations, type Delegators } from "./checkRevocations.js"
import { checkWrites } from "./checkWrites.js"
import type { Call, Version } from "./history.js"
import { describeCall } from "./history.js"
import { createTimeline, type Timeline } from "./timeline.js"

/** A broken guarantee, and the calls that show it. */
export interface Violation {
  readonly rule: string
  readonly text: string
}

/** The calls observed, and the changes that happened. */
export interface Observed {
  readonly calls: readonly Call[]
  /** The database's full history of the same agents. */
  readonly versions: readonly Version[]
  /** The maximum age of a plain read, in milliseconds. */
  readonly boundMs: number
  /** The delegator of each agent whose chain, whenever it is stored, has a delegation. */
  readonly delegators: Delegators
}

/**
 * Compares the outcomes that callers saw with what happened. Revisions give the order of changes, so the calls are
 * linearizable exactly if each change and each read can be assigned a moment within its call such that the moments are in that
 * order: if no change has an earliest moment after its latest.
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
  // First with the bounds from writes alone, so that a bad read is reported itself and not its consequences.
  checkReads(calls, timeline, boundMs, fail)
  if (violations.length > 0) return violations
  timeline.settle()
  checkOrder(timeline, fail)
  checkReads(calls, timeline, boundMs, fail)
  return violations
}

/** Reports a violation. */
export type Fail = (rule: string, text: string) => void

function checkOrder(timeline: Timeline, fail: Fail) {
  for (const version of timeline.versions) {
    const [earliest, latest] = [timeline.earliest(version), timeline.latest(version)]
    if (earliest.at <= latest.at) continue
    const calls = [earliest.by, latest.by].map((call) => call && describeCall(call)).join("\n  ")
    fail("order", `r${version.revision} of ${version.agentId} has no moment of its own between\n  ${calls}`)
  }
}
