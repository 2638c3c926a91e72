import type { Fail } from "./checkHistory.js"
import { describeVersion, isStored } from "./checkWrites.js"
import { type Call, describeCall, type Version } from "./history.js"
import type { State, Timeline } from "./timeline.js"

/**
 * Checks that every response shows a state that existed and was recent enough, and adds to the timeline what the response
 * implies about when changes were made. Refused writes and those that changed nothing count as strong reads.
 */
export function checkReads(calls: readonly Call[], timeline: Timeline, boundMs: number, fail: Fail): void {
  const own = createOwnWrites(calls, timeline)
  const done = new Set(timeline.versions.map(({ requestId }) => requestId))
  for (const call of calls) {
    const matches = matcherOf(call, done)
    if (!matches) continue
    const states = timeline.statesOf(call.agentId).filter(matches)
    const fits = states.filter((state) => conflictOf(call, state, timeline, boundMs, own) === undefined)
    const [state, another] = fits
    if (state && !another) note(call, state, timeline, boundMs)
    if (state) continue
    const [last] = states.slice(-1)
    const [rule, text] = last
      ? (conflictOf(call, last, timeline, boundMs, own) as [string, string])
      : ["invented", "shows a state that never existed"]
    fail(rule, `${describeCall(call)}\n  ${text}`)
  }
}

/** Returns which states a response can come from; undefined if it shows none. */
function matcherOf(call: Call, done: ReadonlySet<string>): ((state: State) => boolean) | undefined {
  const { outcome, operation, requestId = "" } = call
  if (operation === "read") return matcherOfRead(call)
  if (operation === "watch") return matcherOfEvent(call)
  if (outcome.kind === "refused") return matcherOfRefusal(outcome)
  if (outcome.kind !== "record" || done.has(requestId)) return undefined
  return ({ version }) => version?.revision === outcome.revision
}

function matcherOfRead({ outcome, includeInactive }: Call): ((state: State) => boolean) | undefined {
  if (outcome.kind === "nothing")
    return ({ version }) => !isStored(version) || (!includeInactive && version?.status !== "active")
  if (outcome.kind !== "record") return undefined
  return ({ version }) =>
    isStored(version) &&
    version?.revision === outcome.revision &&
    version.contentHash === outcome.contentHash &&
    (version.status === "active") === outcome.active &&
    (outcome.active || includeInactive === true)
}

/** An event may arrive at any time after its change, but never before it. */
function matcherOfEvent({ outcome }: Call): ((state: State) => boolean) | undefined {
  return ({ version }) => outcome.kind === "record" && version?.revision === outcome.revision
}

function matcherOfRefusal(outcome: {
  reason: string
  current?: bigint
}): ((state: State) => boolean) | undefined {
  switch (outcome.reason) {
    case "REVISION_CONFLICT":
      return ({ version }) => (isStored(version) ? (version as Version).revision : 0n) === outcome.current
    case "TRUST_CHAIN_NOT_FOUND":
      return ({ version }) => !isStored(version)
    case "TRUST_CHAIN_REVOKED":
      return ({ version }) => !isStored(version) || version?.status !== "active"
    default:
      return undefined
  }
}

/** Returns why a response cannot come from a state; undefined if it can. */
function conflictOf(
  call: Call,
  { version, next }: State,
  timeline: Timeline,
  boundMs: number,
  own: (call: Call) => bigint,
): [string, string] | undefined {
  if (version && timeline.earliest(version).at > call.endedAt)
    return [
      "future",
      `shows ${describeVersion(version)}, which was not made before ${describeBound(timeline.earliest(version).by)}`,
    ]
  if (!next || call.operation === "watch") return undefined
  const replaced = `shows ${version ? describeVersion(version) : "nothing"}, and ${describeVersion(next)}`
  const since = timeline.latest(next)
  const { freshness = "strong" } = call
  if (typeof freshness === "bigint" && next.revision <= freshness)
    return ["min_revision", `${replaced} had replaced it by r${freshness}`]
  if (since.at < oldestOf(call, boundMs))
    return [
      freshness === "strong" ? "strong" : "bound",
      `${replaced} had replaced it before ${describeBound(since.by)}`,
    ]
  if (freshness !== "strong" && next.revision <= own(call))
    return ["own write", `${replaced} had replaced it through the same server, or another change after it`]
  return undefined
}

function describeBound(call: Call | undefined) {
  return call ? describeCall(call) : "ever"
}

/** The time at or after which the state must have been current. */
function oldestOf({ freshness = "strong", invokedAt }: Call, boundMs: number) {
  return freshness === "strong" ? invokedAt : invokedAt - boundMs
}

function note(call: Call, { version, next }: State, timeline: Timeline, boundMs: number) {
  if (version) timeline.before(version, call.endedAt, call)
  if (next && call.operation !== "watch") timeline.after(next, oldestOf(call, boundMs), call)
}

/** Returns a function that finds the newest revision of a call's agent written earlier through the same server process. */
function createOwnWrites(calls: readonly Call[], timeline: Timeline): (call: Call) => bigint {
  const answers = new Map<string, { at: number; revision: bigint }[]>()
  const keyOf = ({ server, life }: Call, agentId: string) => `${server} ${life} ${agentId}`
  const revisionsOf = new Map<string, Version[]>()
  for (const version of timeline.versions)
    revisionsOf.set(version.requestId, [...(revisionsOf.get(version.requestId) ?? []), version])
  for (const call of calls) {
    const { outcome, life, operation, requestId = "" } = call
    if (life === undefined || operation === "read" || operation === "hand") continue
    if (outcome.kind !== "record" && outcome.kind !== "revocation") continue
    for (const { agentId, revision } of revisionsOf.get(requestId) ?? []) {
      const list = answers.get(keyOf(call, agentId)) ?? []
      list.push({ at: call.endedAt, revision })
      answers.set(keyOf(call, agentId), list)
    }
  }
  return (call) => {
    if (call.life === undefined) return 0n
    const before = (answers.get(keyOf(call, call.agentId)) ?? []).filter(({ at }) => at < call.invokedAt)
    return before.reduce((newest, { revision }) => (revision > newest ? revision : newest), 0n)
  }
}
