import type { Fail } from "./checkHistory.js"
import { describeVersion, isStored } from "./checkWrites.js"
import { type Call, describeCall, type Version } from "./history.js"
import type { State, Timeline } from "./timeline.js"

/** The delegator of each agent. */
export type Delegators = ReadonlyMap<string, string>

/** Checks that a revocation covers all descendants at once, and that what is revoked for good is never active again. */
export function checkRevocations(
  calls: readonly Call[],
  delegators: Delegators,
  timeline: Timeline,
  fail: Fail,
): void {
  for (const call of calls) {
    if (call.outcome.kind !== "revocation") continue
    const { outcome } = call
    const made = timeline.versions.filter(({ requestId }) => requestId === call.requestId)
    const unreported = made.filter(({ agentId }) => !outcome.agents.includes(agentId))
    if (unreported.length > 0)
      fail("revoked", `${describeCall(call)}\n  did not report ${unreported.map(describeVersion)}`)
    const [first] = made
    if (!first || call.operation === "lift") continue
    const between = timeline.versions.filter(
      ({ revision, requestId }) =>
        revision > first.revision && revision <= outcome.revision && requestId !== call.requestId,
    )
    if (between.length > 0)
      fail("revoked", `${describeCall(call)}\n  was mixed with ${between.map(describeVersion)}`)
    for (const agentId of descendants(call.agentId, delegators, first, timeline))
      if (!made.some((version) => version.agentId === agentId))
        fail("revoked", `${describeCall(call)}\n  left out ${agentId}`)
    if (call.operation === "revoke") checkFinal(call, outcome, timeline, fail)
  }
}

function checkFinal(
  call: Call,
  { agents, revision }: { agents: string[]; revision: bigint },
  timeline: Timeline,
  fail: Fail,
) {
  for (const agentId of agents)
    for (const { version, next } of timeline.statesOf(agentId))
      if (version?.status === "active" && (!next || next.revision > revision))
        fail("revoked", `${describeCall(call)}\n  and yet ${describeVersion(version)}`)
}

/** Returns the agent and its descendants, as far as their chains were stored right before a change. */
function descendants(agentId: string, delegators: Delegators, first: Version, timeline: Timeline): string[] {
  const wasStored = (agent: string) => isStored(stateBefore(timeline.statesOf(agent), first.revision).version)
  const found = new Set([agentId])
  for (let size = 0; size < found.size; ) {
    size = found.size
    for (const [delegatee, delegator] of delegators)
      if (found.has(delegator) && wasStored(delegatee)) found.add(delegatee)
  }
  return [...found].filter(wasStored)
}

function stateBefore(states: readonly State[], revision: bigint): State {
  return states.find(({ next }) => !next || next.revision >= revision) as State
}
