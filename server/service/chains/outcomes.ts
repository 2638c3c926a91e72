import { type ChainRecord, ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { Outcome, Write } from "../../store/chains/writes.js"
import { type RecordRow, recordOf } from "../../store/rows/chainRows.js"
import { nowMicros } from "../../store/rows/micros.js"
import { answerTo } from "../request/answers.js"
import { requestIdReused } from "../request/requestId.js"

/** The record that a write produced. Throws the contract's error for a refused write. */
export function acceptedRecord(write: Write, outcome: Outcome): ChainRecord {
  return answerTo(ANSWERS, outcome.outcome)(write, outcome)
}

/** The answer to each outcome. An outcome without one does not compile. */
const ANSWERS: Record<Outcome["outcome"], (write: Write, outcome: Outcome) => ChainRecord> = {
  created: accepted,
  updated: accepted,
  deleted: accepted,
  restored: accepted,
  purged: accepted,
  replayed: accepted,
  unchanged: accepted,
  stale: () => {
    throw new Error("a write was answered as stale but not validated again")
  },
  not_found: ({ agentId }) => {
    throw notFound(agentId)
  },
  conflict: (write, { record }) => {
    throw conflict(write, record)
  },
  reused: ({ agentId, requestId }) => {
    throw requestIdReused({ agentId, requestId })
  },
  inactive: (write, { record }) => {
    throw record ? inactive(write, record) : notFound(write.agentId)
  },
  expired: ({ agentId }) => {
    throw expired(agentId, "it cannot be restored; purge it with PurgeChain and store it again")
  },
  revoked: (write) => {
    throw agentRevoked(write)
  },
  delegator_revoked: (write, { culprit }) => {
    throw delegatorRevoked(write, culprit ?? "")
  },
}

function accepted({ operation, agentId }: Write, { outcome, record }: Outcome): ChainRecord {
  if (!record) throw new Error(`${operation} of ${quoted(agentId)} was ${outcome} but returned no record`)
  return recordOf(record)
}

/** The error for an agent without an active stored chain; `why` is appended to the message. */
export function notFound(agentId: string, why?: string): RegistryError {
  const text = `trust chain not found for agent ${quoted(agentId)}`
  const message = why === undefined ? text : `${text}: ${why}`
  return new RegistryError(ErrorReason.TRUST_CHAIN_NOT_FOUND, message, { agentId })
}

/** The agent has a chain that a reader does not get unless it asks for it, because it is deleted, suspended or revoked. */
export function notInForce(agentId: string, status: string): RegistryError {
  const message = `the trust chain of agent ${quoted(agentId)} is ${status}; set include_inactive to read it`
  return new RegistryError(ErrorReason.TRUST_CHAIN_NOT_FOUND, message, {
    agentId,
    metadata: { status: status.toUpperCase() },
  })
}

/** The error for an expired chain; `what` is appended to the message. */
export function expired(agentId: string, what: string): RegistryError {
  return new RegistryError(
    ErrorReason.TRUST_CHAIN_EXPIRED,
    `the trust chain of agent ${quoted(agentId)} has expired; ${what}`,
    { agentId, precondition: "the chain has not expired" },
  )
}

function conflict({ agentId, expectedRevision }: Write, record: RecordRow | undefined): RegistryError {
  const revision = record?.revision ?? 0n
  const actual = record ? `its revision is ${revision}` : "none is stored"
  return new RegistryError(
    ErrorReason.REVISION_CONFLICT,
    `the trust chain of agent ${quoted(agentId)} was expected at revision ${expectedRevision}; ${actual}`,
    { agentId, metadata: { expected_revision: String(expectedRevision), revision: String(revision) } },
  )
}

const BY_WHAT = "ListRevokedRecords names the revocation, and LiftSuspension lifts a suspension"

/** How to leave each status. */
const WAYS = {
  revoked: "it stays revoked; ListRevokedRecords names the revocation",
  suspended: "LiftSuspension makes it active again, or RestoreChain if it was suspended by hand",
  deleted: "RestoreChain makes it active again, unless its agent is revoked or suspended",
}

/** The same for RestoreChain, which is refused only for a revoked or suspended agent. */
const WAYS_TO_RESTORE = {
  ...WAYS,
  suspended: `its agent is suspended or revoked: ${BY_WHAT}`,
  deleted: `its agent is suspended or revoked: ${BY_WHAT}, after which it can be restored`,
}

function inactive({ agentId, operation }: Write, record: RecordRow): RegistryError {
  const status = statusNow(record)
  const way = (operation === "restore" ? WAYS_TO_RESTORE : WAYS)[status]
  return new RegistryError(
    status === "revoked" ? ErrorReason.TRUST_CHAIN_REVOKED : ErrorReason.TRUST_CHAIN_INACTIVE,
    `the trust chain of agent ${quoted(agentId)} is ${status}, so ${operation} is refused; ${way}`,
    { agentId, metadata: { status: status.toUpperCase() }, precondition: "the chain is active" },
  )
}

/** The status of an inactive chain: revoked once a graceful revocation has taken effect, even if the row still says active. */
function statusNow({ status, revokes_at }: RecordRow): Exclude<RecordRow["status"], "active"> {
  return status === "active" || (revokes_at !== null && revokes_at <= nowMicros()) ? "revoked" : status
}

function agentRevoked({ agentId }: Write): RegistryError {
  return new RegistryError(
    ErrorReason.TRUST_CHAIN_REVOKED,
    `agent ${quoted(agentId)} is revoked or suspended, so its chain cannot be stored: ${BY_WHAT}`,
    { agentId, metadata: { status: "REVOKED" }, precondition: "the agent is not revoked" },
  )
}

function delegatorRevoked({ agentId }: Write, delegator: string): RegistryError {
  const description = `descend from ${quoted(delegator)}, which is revoked or suspended`
  return new RegistryError(
    ErrorReason.TRUST_CHAIN_INVALID,
    `the chain is refused: its delegations ${description}`,
    { agentId, violations: [{ field: "chain.delegations", description }] },
  )
}

function quoted(agentId: string): string {
  return JSON.stringify(agentId)
}
