import { type ChainRecord, ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import { TO_ACTIVATE, TO_KNOW_PAST, TO_READ, TO_RENEW, TO_RESTORE, TO_STORE_AGAIN } from "../../remedies.js"
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
    throw expired(agentId, TO_RENEW)
  },
  revoked: (write) => {
    throw agentRevoked(write)
  },
  unverifies: ({ agentId }) => {
    throw verificationLost(agentId)
  },
  moves: (write, { culprit }) => {
    throw authorityChanged(write, culprit ?? "")
  },
  keeps_delegated: (write, { culprit }) => {
    throw keepsDelegated(write, culprit ?? "")
  },
  delegator_revoked: (write, { culprit }) => {
    throw delegatorRevoked(write, culprit ?? "")
  },
}

function accepted({ operation, agentId }: Write, { outcome, record }: Outcome): ChainRecord {
  if (!record) throw new Error(`${operation} of ${quoted(agentId)} was ${outcome} but returned no record`)
  return recordOf(record)
}

/** The error for an agent without a stored chain. */
export function notFound(agentId: string): RegistryError {
  const message = `trust chain not found for agent ${quoted(agentId)}`
  return new RegistryError(ErrorReason.TRUST_CHAIN_NOT_FOUND, message, { agentId })
}

/** The same for a past revision whose documents were purged since. */
export function purgedSince(agentId: string): RegistryError {
  const message = `trust chain not found for agent ${quoted(agentId)}: it has since been purged, along with its documents`
  return new RegistryError(ErrorReason.TRUST_CHAIN_NOT_FOUND, message, { agentId, remedy: TO_KNOW_PAST })
}

/** The agent has a chain that a reader does not get unless it asks for it, because it is deleted, suspended or revoked. */
export function notInForce(agentId: string, status: string): RegistryError {
  const message = `the trust chain of agent ${quoted(agentId)} is ${status}`
  return new RegistryError(ErrorReason.TRUST_CHAIN_NOT_FOUND, message, {
    agentId,
    remedy: TO_READ,
    metadata: { status: status.toUpperCase() },
  })
}

/** The error for an expired chain, which can be read or stored anew. */
export function expired(agentId: string, remedy: string): RegistryError {
  return new RegistryError(
    ErrorReason.TRUST_CHAIN_EXPIRED,
    `the trust chain of agent ${quoted(agentId)} has expired`,
    { agentId, remedy, precondition: "the chain has not expired" },
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

function inactive({ agentId, operation }: Write, record: RecordRow): RegistryError {
  const status = statusNow(record)
  const remedy = (operation === "restore" ? TO_RESTORE : TO_ACTIVATE)[status]
  return new RegistryError(
    status === "revoked" ? ErrorReason.TRUST_CHAIN_REVOKED : ErrorReason.TRUST_CHAIN_INACTIVE,
    `the trust chain of agent ${quoted(agentId)} is ${status}, so ${operation} is refused`,
    { agentId, remedy, metadata: { status: status.toUpperCase() }, precondition: "the chain is active" },
  )
}

/** The status of an inactive chain: revoked once a graceful revocation has taken effect, even if the row still says active. */
function statusNow({ status, revokes_at }: RecordRow): Exclude<RecordRow["status"], "active"> {
  return status === "active" || (revokes_at !== null && revokes_at <= nowMicros()) ? "revoked" : status
}

function agentRevoked({ agentId }: Write): RegistryError {
  return new RegistryError(
    ErrorReason.TRUST_CHAIN_REVOKED,
    `agent ${quoted(agentId)} is revoked or suspended, so its chain cannot be stored`,
    {
      agentId,
      remedy: TO_STORE_AGAIN,
      metadata: { status: "REVOKED" },
      precondition: "the agent is not revoked",
    },
  )
}

function verificationLost(agentId: string): RegistryError {
  return new RegistryError(
    ErrorReason.VERIFICATION_LOST,
    `the trust chain of agent ${quoted(agentId)} is VERIFIED, and the new one would not be: a signer is not known, or a signature missing`,
    { agentId, precondition: "the new chain is VERIFIED, too" },
  )
}

function authorityChanged({ agentId }: Write, current: string): RegistryError {
  return new RegistryError(
    ErrorReason.AUTHORITY_CHANGED,
    `agent ${quoted(agentId)} was established by authority ${quoted(current)}, and the new chain names another`,
    {
      agentId,
      metadata: { authority_id: current },
      precondition: "the genesis authority stays the same",
    },
  )
}

function keepsDelegated({ agentId }: Write, culprit: string): RegistryError {
  const [delegation, capability] = culprit.split(/(?<=") (?=")/)
  const description = `has ${capability}, which came by delegation ${delegation}: drop both, or neither`
  return new RegistryError(
    ErrorReason.TRUST_CHAIN_INVALID,
    `the chain is refused: it drops delegation ${delegation} and keeps capability ${capability}, which came by it: drop both, or neither`,
    { agentId, violations: [{ field: "chain.capabilities", description }] },
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
