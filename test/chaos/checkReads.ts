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
    const seen = sightOf(call, done)
    if (!seen) continue
    const states = timeline.statesOf(call.agentId).filter(seen)
    const fits = states.filter((state) => faultOf(call, state, timeline, boundMs, own) === undefined)
    const [state, another] = fits
    if (state && !another) note(call, state, timeline, boundMs)
    if (state) continue
    const [last] = states.slice(-1)
    const [rule, text] = last
      ? (faultOf(call, last, timeline, boundMs, own) as [string, string])
      : ["invented", "tells of no state that there ever was"]
    fail(rule, `${describeCall(call)}\n  ${text}`)
  }
}

/** Returns which states a response can come from; undefined if it shows none. */
function sightOf(call: Call, done: ReadonlySet<string>): ((state: State) => boolean) | undefined {
  const { told, operation, requestId = "" } = call
  if (operation === "read") return sightOfRead(call)
  if (operation === "watch") return sightOfEvent(call)
  if (told.kind === "refused") return sightOfRefusal(told)
  if (told.kind !== "record" || done.has(requestId)) return undefined
  return ({ version }) => version?.revision === told.revision
}

function sightOfRead({ told, includeInactive }: Call): ((state: State) => boolean) | undefined {
  if (told.kind === "nothing")
    return ({ version }) => !isStored(version) || (!includeInactive && version?.status !== "active")
  if (told.kind !== "record") return undefined
  return ({ version }) =>
    isStored(version) &&
    version?.revision === told.revision &&
    version.contentHash === told.contentHash &&
    (version.status === "active") === told.active &&
    (told.active || includeInactive === true)
}

/** An event may arrive at any time after its change, but never before it. */
function sightOfEvent({ told }: Call): ((state: State) => boolean) | undefined {
  return ({ version }) => told.kind === "record" && version?.revision === told.revision
}

function sightOfRefusal(told: { reason: string; stands?: bigint }): ((state: State) => boolean) | undefined {
  switch (told.reason) {
    case "REVISION_CONFLICT":
      return ({ version }) => (isStored(version) ? (version as Version).revision : 0n) === told.stands
    case "TRUST_CHAIN_NOT_FOUND":
      return ({ version }) => !isStored(version)
    case "TRUST_CHAIN_REVOKED":
      return ({ version }) => !isStored(version) || version?.status !== "active"
    default:
      return undefined
  }
}

/** Returns why a response cannot come from a state; undefined if it can. */
function faultOf(
  call: Call,
  { version, next }: State,
  timeline: Timeline,
  boundMs: number,
  own: (call: Call) => bigint,
): [string, string] | undefined {
  if (version && timeline.earliest(version).at > call.endedAt)
    return [
      "future",
      `tells of ${describeVersion(version)}, which was not made before ${told(timeline.earliest(version).by)}`,
    ]
  if (!next || call.operation === "watch") return undefined
  const replaced = `tells of ${version ? describeVersion(version) : "nothing"}, and ${describeVersion(next)}`
  const since = timeline.latest(next)
  const { freshness = "strong" } = call
  if (typeof freshness === "bigint" && next.revision <= freshness)
    return ["min_revision", `${replaced} had replaced it by r${freshness}`]
  if (since.at < oldestOf(call, boundMs))
    return [
      freshness === "strong" ? "strong" : "bound",
      `${replaced} had replaced it before ${told(since.by)}`,
    ]
  if (freshness !== "strong" && next.revision <= own(call))
    return ["own write", `${replaced} had replaced it through the same server, or another change after it`]
  return undefined
}

function told(call: Call | undefined) {
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
    const { told, life, operation, requestId = "" } = call
    if (life === undefined || operation === "read" || operation === "hand") continue
    if (told.kind !== "record" && told.kind !== "revocation") continue
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
