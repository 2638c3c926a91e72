import { type ChainRecord, ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import { nowMicros, type RecordRow, recordOf } from "../../store/chains/rows.js"
import type { Outcome, Write } from "../../store/chains/writes.js"
import { requestIdReused } from "../authorities/authorityErrors.js"

/** The record of a write. Throws the contract's error for a write that was refused. */
export function acceptedRecord(write: Write, { outcome, record, culprit }: Outcome): ChainRecord {
  if (outcome === "delegator_revoked") throw delegatorRevoked(write, culprit ?? "")
  if (outcome === "revoked") throw agentRevoked(write)
  if (!record) throw outcome === "conflict" ? conflict(write, undefined) : notFound(write.agentId)
  switch (outcome) {
    case "conflict":
      throw conflict(write, record)
    case "reused":
      throw requestIdReused({ agentId: write.agentId, requestId: write.requestId })
    case "inactive":
      throw inactive(write, record)
    case "expired":
      throw expired(write.agentId, "it cannot be restored, only stored anew after PurgeChain")
    default:
      return recordOf(record)
  }
}

/** The agent has no stored chain, or none that is active; `why` is added to the message. */
export function notFound(agentId: string, why?: string): RegistryError {
  const text = `trust chain not found for agent ${quoted(agentId)}`
  const message = why === undefined ? text : `${text}: ${why}`
  return new RegistryError(ErrorReason.TRUST_CHAIN_NOT_FOUND, message, { agentId })
}

/** The agent's chain is past its expiry. */
export function expired(agentId: string, what: string): RegistryError {
  return new RegistryError(
    ErrorReason.TRUST_CHAIN_EXPIRED,
    `the trust chain of agent ${quoted(agentId)} has expired; ${what}`,
    { agentId, precondition: "the chain has not expired" },
  )
}

function conflict({ agentId, expectedRevision }: Write, record: RecordRow | undefined): RegistryError {
  const revision = record?.revision ?? 0n
  const stands = record ? `its revision is ${revision}` : "none is stored"
  return new RegistryError(
    ErrorReason.REVISION_CONFLICT,
    `the trust chain of agent ${quoted(agentId)} was expected at revision ${expectedRevision}; ${stands}`,
    { agentId, metadata: { expected_revision: String(expectedRevision), revision: String(revision) } },
  )
}

const BY_WHAT = "ListRevokedRecords says by which revocation, and LiftSuspension lifts a suspension"

/** How each status is left. */
const WAYS = {
  revoked: "it stays revoked; ListRevokedRecords says by which revocation",
  suspended: "LiftSuspension makes it active again, or RestoreChain where it was suspended by hand",
  deleted: "RestoreChain makes it active again, unless its agent is revoked or suspended",
}

/** RestoreChain is refused only because of the agent. */
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

/** The status of a chain that is not active. A graceful revocation that took effect revokes it, whatever the row says. */
function statusNow({ status, revokes_at }: RecordRow): Exclude<RecordRow["status"], "active"> {
  return status === "active" || (revokes_at !== null && revokes_at <= nowMicros()) ? "revoked" : status
}

function agentRevoked({ agentId }: Write): RegistryError {
  return new RegistryError(
    ErrorReason.TRUST_CHAIN_REVOKED,
    `agent ${quoted(agentId)} is revoked or suspended, so no chain of it is stored: ${BY_WHAT}`,
    { agentId, metadata: { status: "REVOKED" }, precondition: "the agent is not revoked" },
  )
}

function delegatorRevoked({ agentId }: Write, delegator: string): RegistryError {
  const description = `come down from ${quoted(delegator)}, which is revoked or suspended`
  return new RegistryError(
    ErrorReason.TRUST_CHAIN_INVALID,
    `the chain is refused: its delegations ${description}`,
    { agentId, violations: [{ field: "chain.delegations", description }] },
  )
}

function quoted(agentId: string): string {
  return JSON.stringify(agentId)
}
