import type { Fail } from "./checkHistory.js"
import { type Call, describeCall, type Version } from "./history.js"
import type { State, Timeline } from "./timeline.js"

/** Checks that each acknowledged write happened once as reported, no refused write happened, and every change was requested. */
export function checkWrites(calls: readonly Call[], timeline: Timeline, fail: Fail): void {
  const attempts = groupBy(
    calls.filter(({ requestId }) => requestId !== undefined),
    (call) => call.requestId as string,
  )
  const changes = groupBy(timeline.versions, ({ requestId }) => requestId)
  for (const [requestId, versions] of changes) {
    const tries = attempts.get(requestId)
    if (!tries) fail("unasked", `nobody requested ${versions.map(describeVersion)}`)
    else boundBy(tries, versions, timeline)
  }
  checkBatches(calls, changes, fail)
  for (const [requestId, tries] of attempts) checkRequest(tries, changes.get(requestId) ?? [], fail)
  timeline.settle()
  for (const call of calls)
    if (call.outcome.kind === "refused" && !isExpected(call))
      fail("refused", `${describeCall(call)}\n  cannot be the response to this call`)
  for (const [requestId, tries] of attempts)
    checkRefusals(tries, changes.get(requestId) ?? [], timeline, fail)
  for (const agentId of new Set(timeline.versions.map((version) => version.agentId)))
    checkSteps(timeline.statesOf(agentId), attempts, fail)
}

/** Bounds a change between its first request and its first acknowledgement. */
function boundBy(tries: readonly Call[], versions: readonly Version[], timeline: Timeline) {
  const first = tries.reduce((left, right) => (left.invokedAt <= right.invokedAt ? left : right))
  for (const version of versions) {
    timeline.after(version, first.invokedAt, first)
    for (const call of tries) if (madeBy(call, version)) timeline.before(version, call.endedAt, call)
  }
}

function checkBatches(calls: readonly Call[], changes: ReadonlyMap<string, readonly Version[]>, fail: Fail) {
  const batches = groupBy(
    calls.filter(({ batch }) => batch !== undefined),
    (call) => call.batch as string,
  )
  for (const batch of batches.values()) {
    const done = batch.filter(({ requestId = "" }) => changes.has(requestId))
    if (done.length > 0 && done.length < batch.length)
      fail("torn", `only this part of an atomic batch was done\n  ${done.map(describeCall).join("\n  ")}`)
  }
}

function madeBy({ outcome }: Call, { revision }: Version) {
  if (outcome.kind === "revocation") return outcome.revision >= revision
  return outcome.kind === "record" && outcome.revision === revision
}

const CASCADES = new Set(["revoke", "suspend", "lift"])

function checkRequest(tries: readonly Call[], versions: readonly Version[], fail: Fail) {
  const [call] = tries as [Call]
  const agents = new Set(versions.map(({ agentId }) => agentId))
  if (agents.size < versions.length)
    fail("double", `${describeCall(call)}\n  made ${versions.map(describeVersion)}`)
  if (CASCADES.has(call.operation)) return
  const [version] = versions
  if (version && (agents.size > 1 || version.agentId !== call.agentId))
    fail("mixed up", `${describeCall(call)}\n  made ${versions.map(describeVersion)}`)
  if (version && call.contentHash !== undefined && version.contentHash !== call.contentHash)
    fail("mixed up", `${describeCall(call)}\n  stored another content: ${describeVersion(version)}`)
  for (const attempt of tries) {
    if (attempt.outcome.kind !== "record" || isUnchanged(attempt, version)) continue
    if (!version) fail("lost", `${describeCall(attempt)}\n  is not in the history`)
    else if (version.revision !== attempt.outcome.revision)
      fail("mixed up", `${describeCall(attempt)}\n  made ${describeVersion(version)}`)
  }
}

/** Restoring an active chain or deleting a deleted one changes nothing and returns the current record. */
export function isUnchanged({ operation, outcome }: Call, version: Version | undefined): boolean {
  if (version !== undefined || outcome.kind !== "record") return false
  return (operation === "restore" && outcome.active) || (operation === "delete" && !outcome.active)
}

/** Checks that a retry gets the first response, and that a refused call changed nothing. */
function checkRefusals(tries: readonly Call[], versions: readonly Version[], timeline: Timeline, fail: Fail) {
  for (const call of tries) {
    if (call.outcome.kind !== "refused") continue
    if (!EXPECTED.has(call.outcome.reason))
      fail("refused", `${describeCall(call)}\n  cannot be the response to this call`)
    for (const version of versions)
      if (timeline.latest(version).at < call.invokedAt && AFTER_LOOKUP.has(call.outcome.reason))
        fail(
          "replay",
          `${describeCall(call)}\n  was refused after it had been done: ${describeVersion(version)}`,
        )
    if (versions.length > 0 && tries.every(({ outcome }) => outcome.kind === "refused"))
      fail("refused", `${describeCall(call)}\n  was done anyway: ${versions.map(describeVersion)}`)
  }
}

/** Reasons that are only returned after history was searched for the request_id. */
const AFTER_LOOKUP = new Set([
  "TRUST_CHAIN_NOT_FOUND",
  "TRUST_CHAIN_INACTIVE",
  "TRUST_CHAIN_REVOKED",
  "REVISION_CONFLICT",
])
const EXPECTED = new Set([
  ...AFTER_LOOKUP,
  "TRUST_CHAIN_INVALID",
  "OVERLOADED",
  "REVOCATION_NOT_FOUND",
  "BATCH_REFUSED",
])

/** Whether a call may be refused for this reason. No read may, since the chains never expire. */
function isExpected({ operation, outcome }: Call) {
  return operation !== "read" && outcome.kind === "refused" && EXPECTED.has(outcome.reason)
}

/** Checks each change against the state before it and its expected_revision. */
function checkSteps(states: readonly State[], attempts: ReadonlyMap<string, readonly Call[]>, fail: Fail) {
  for (const { version: before, next } of states) {
    if (!next) continue
    if (!follows(statusOf(before), next))
      fail("step", `${describeVersion(next)} cannot follow ${before ? describeVersion(before) : "nothing"}`)
    const [call] = attempts.get(next.requestId) ?? []
    const expected = call?.expectedRevision
    const current = isStored(before) ? (before?.revision ?? 0n) : 0n
    if (expected !== undefined && expected !== current)
      fail("condition", `${describeCall(call as Call)}\n  was done on top of r${current}`)
  }
}

/** Whether a row existed after this change. */
export function isStored(version: Version | undefined): boolean {
  return version !== undefined && version.operation !== "purged"
}

function statusOf(version: Version | undefined) {
  return isStored(version) ? (version as Version).status : "nothing"
}

function follows(before: string, { operation, status }: Version): boolean {
  switch (operation) {
    case "created":
      return before === "nothing" && status === "active"
    case "updated":
      return before === "active" && status === "active"
    case "deleted":
      return before === "active" && status === "deleted"
    case "restored":
      return (before === "deleted" || before === "suspended") && status === "active"
    case "suspended":
      return before === "active" && status === "suspended"
    case "revoked":
      return before !== "nothing" && before !== "revoked" && status === "revoked"
    case "purged":
      return before !== "nothing"
    default:
      return operation === "revocations_changed" && before === status
  }
}

/** Formats a change for messages. */
export function describeVersion({ revision, agentId, operation, status, requestId }: Version): string {
  return `r${revision} ${operation} ${agentId} (${status}) ${requestId}`
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}
