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
    const asked = attempts.get(requestId)
    if (!asked) fail("unasked", `nobody asked for ${versions.map(describeVersion)}`)
    else boundBy(asked, versions, timeline)
  }
  checkBatches(calls, changes, fail)
  for (const [requestId, asked] of attempts) checkRequest(asked, changes.get(requestId) ?? [], fail)
  timeline.settle()
  for (const call of calls)
    if (call.told.kind === "refused" && !isForeseen(call))
      fail("refused", `${describeCall(call)}\n  is no answer to such a call`)
  for (const [requestId, asked] of attempts)
    checkRefusals(asked, changes.get(requestId) ?? [], timeline, fail)
  for (const agentId of new Set(timeline.versions.map((version) => version.agentId)))
    checkSteps(timeline.statesOf(agentId), attempts, fail)
}

/** Bounds a change between its first request and its first acknowledgement. */
function boundBy(asked: readonly Call[], versions: readonly Version[], timeline: Timeline) {
  const first = asked.reduce((left, right) => (left.invokedAt <= right.invokedAt ? left : right))
  for (const version of versions) {
    timeline.after(version, first.invokedAt, first)
    for (const call of asked) if (madeBy(call, version)) timeline.before(version, call.endedAt, call)
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
      fail(
        "torn",
        `of what was to be done all or none only this was done\n  ${done.map(describeCall).join("\n  ")}`,
      )
  }
}

function madeBy({ told }: Call, { revision }: Version) {
  if (told.kind === "revocation") return told.revision >= revision
  return told.kind === "record" && told.revision === revision
}

const CASCADES = new Set(["revoke", "suspend", "lift"])

function checkRequest(asked: readonly Call[], versions: readonly Version[], fail: Fail) {
  const [call] = asked as [Call]
  const agents = new Set(versions.map(({ agentId }) => agentId))
  if (agents.size < versions.length)
    fail("double", `${describeCall(call)}\n  made ${versions.map(describeVersion)}`)
  if (CASCADES.has(call.operation)) return
  const [version] = versions
  if (version && (agents.size > 1 || version.agentId !== call.agentId))
    fail("mixed up", `${describeCall(call)}\n  made ${versions.map(describeVersion)}`)
  if (version && call.contentHash !== undefined && version.contentHash !== call.contentHash)
    fail("mixed up", `${describeCall(call)}\n  stored another content: ${describeVersion(version)}`)
  for (const attempt of asked) {
    if (attempt.told.kind !== "record" || isUnchanged(attempt, version)) continue
    if (!version) fail("lost", `${describeCall(attempt)}\n  is not in the history`)
    else if (version.revision !== attempt.told.revision)
      fail("mixed up", `${describeCall(attempt)}\n  made ${describeVersion(version)}`)
  }
}

/** Restoring an active chain or deleting a deleted one changes nothing and returns the current record. */
export function isUnchanged({ operation, told }: Call, version: Version | undefined): boolean {
  if (version !== undefined || told.kind !== "record") return false
  return (operation === "restore" && told.active) || (operation === "delete" && !told.active)
}

/** Checks that a retry gets the first response, and that a refused call changed nothing. */
function checkRefusals(asked: readonly Call[], versions: readonly Version[], timeline: Timeline, fail: Fail) {
  for (const call of asked) {
    if (call.told.kind !== "refused") continue
    if (!FORESEEN.has(call.told.reason))
      fail("refused", `${describeCall(call)}\n  is no answer to such a call`)
    for (const version of versions)
      if (timeline.latest(version).at < call.invokedAt && JUDGED.has(call.told.reason))
        fail(
          "replay",
          `${describeCall(call)}\n  was refused after it had been done: ${describeVersion(version)}`,
        )
    if (versions.length > 0 && asked.every(({ told }) => told.kind === "refused"))
      fail("refused", `${describeCall(call)}\n  was done all the same: ${versions.map(describeVersion)}`)
  }
}

/** Reasons that are only returned after history was searched for the request_id. */
const JUDGED = new Set([
  "TRUST_CHAIN_NOT_FOUND",
  "TRUST_CHAIN_INACTIVE",
  "TRUST_CHAIN_REVOKED",
  "REVISION_CONFLICT",
])
const FORESEEN = new Set([
  ...JUDGED,
  "TRUST_CHAIN_INVALID",
  "OVERLOADED",
  "REVOCATION_NOT_FOUND",
  "BATCH_REFUSED",
])

/** Whether a call may be refused for this reason. No read may, since the chains never expire. */
function isForeseen({ operation, told }: Call) {
  return operation !== "read" && told.kind === "refused" && FORESEEN.has(told.reason)
}

/** Checks each change against the state before it and its expected_revision. */
function checkSteps(states: readonly State[], attempts: ReadonlyMap<string, readonly Call[]>, fail: Fail) {
  for (const { version: before, next } of states) {
    if (!next) continue
    if (!follows(statusOf(before), next))
      fail("step", `${describeVersion(next)} cannot follow ${before ? describeVersion(before) : "nothing"}`)
    const [call] = attempts.get(next.requestId) ?? []
    const expected = call?.expectedRevision
    const stood = isStored(before) ? (before?.revision ?? 0n) : 0n
    if (expected !== undefined && expected !== stood)
      fail("condition", `${describeCall(call as Call)}\n  was done on top of r${stood}`)
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
