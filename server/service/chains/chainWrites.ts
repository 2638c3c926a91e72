import { randomUUID } from "node:crypto"
import type { ShapeLimits } from "@trust-registry/eatp"
import { type ChainRecord, ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { Document, Write } from "../../store/chains/writes.js"
import { nowMicros } from "../../store/rows/micros.js"
import type { Store } from "../../store/store.js"
import { checkedDocument, type DocumentRequest } from "./document.js"
import { acceptedRecord } from "./outcomes.js"
import { validateChain } from "./validation.js"

/** What a chain must be to be stored. */
export interface ChainRules extends ShapeLimits {
  /** Whether a chain is refused of which some signature cannot be checked. */
  requireSignatures: boolean
  /** Most writes that may wait for the database. */
  maxWaitingWrites: number
}

/** The fields that every write request has. */
export interface WriteRequest {
  expectedRevision?: bigint | undefined
  requestId: string
}

/** The result of a write. */
export interface Written {
  record: ChainRecord
  operation: string | null
}

/** A document that passed the checks that need nothing but itself. */
export interface PreparedWrite {
  /** Validates it against other rows and writes it. Calling it again retries the same request. */
  write: () => Promise<Written>
  /** Size of the chain in protobuf's binary form. */
  bytes: number
}

/** The writes of chains over a store. */
export type ChainWrites = ReturnType<typeof createChainWrites>

/** How often a document is validated again because rows that it was validated against have changed. */
export const MAX_VALIDATIONS = 5
/** How long a caller should wait when they kept changing. */
const RETRY_AFTER_MS = 100

/** The writes of chains over a store. Each throws the contract's error for a write that is refused. */
export function createChainWrites(store: Store, rules: ChainRules) {
  const write = async (change: Write): Promise<Written> => {
    const outcome = await store.chains.write(change)
    return { record: acceptedRecord(change, outcome), operation: outcome.operation }
  }

  /** Checks a document by itself. Its write validates it against other rows, and happens only if those are unchanged then. */
  const prepareDocument = (
    operation: "store" | "update",
    request: WriteRequest & DocumentRequest,
    actor: string,
  ): PreparedWrite => {
    const { agentId, chain, ...document } = checkedDocument(request, rules, nowMicros())
    const common = { ...commonOf(request, actor), operation, agentId }
    /** A retry of a write that succeeded gets that result, even if the chain would be refused by now. */
    const replayed = async (refusal: unknown): Promise<Written> => {
      if (request.requestId === "") throw refusal
      const change: Write = { ...common, document: { ...document, ...unvalidated(agentId) } }
      const outcome = await store.chains.write(change)
      if (outcome.outcome !== "replayed") throw refusal
      return { record: acceptedRecord(change, outcome), operation: outcome.operation }
    }
    const write = async () => {
      for (let attempt = 0; attempt < MAX_VALIDATIONS; attempt++) {
        const validation = await validateChain(store.memory, chain, rules.requireSignatures).catch(
          (refusal: unknown) => ({ refusal }),
        )
        if ("refusal" in validation) return await replayed(validation.refusal)
        const change: Write = { ...common, document: { ...document, ...validation } }
        const outcome = await store.chains.write(change)
        if (outcome.outcome !== "stale")
          return { record: acceptedRecord(change, outcome), operation: outcome.operation }
        store.memory.forget(validation.depends)
      }
      throw signersKeepChanging(agentId)
    }
    return { write, bytes: document.bytes }
  }

  return { write, prepareDocument }
}

/** Depends on a revision that never exists, so nothing is written; replays are looked for first. */
function unvalidated(agentId: string): Pick<Document, "signatureStatus" | "depends"> {
  return {
    signatureStatus: "unverified",
    depends: { chains: new Map([[agentId, -1n]]), authorities: new Map() },
  }
}

/** The rows that a chain is validated against change faster than it can be written. */
export function signersKeepChanging(agentId?: string): RegistryError {
  return new RegistryError(
    ErrorReason.OVERLOADED,
    "the signers of the chain are being changed faster than it can be validated",
    { ...(agentId === undefined ? {} : { agentId }), retryAfterMs: RETRY_AFTER_MS },
  )
}

/** The write that deletes a chain: softly, or for good together with its documents in history. */
export function deletionOf(agentId: string, common: CommonWrite, purge: boolean): Write {
  return { ...common, agentId, operation: purge ? "purge" : "delete" }
}

/** The parts of a write that every request gives. */
export type CommonWrite = ReturnType<typeof commonOf>

/** Takes them from a request; the server makes the request id where there is none. */
export function commonOf(request: WriteRequest, actor: string) {
  return { actor, requestId: request.requestId || randomUUID(), expectedRevision: request.expectedRevision }
}
