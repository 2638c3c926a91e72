import { randomUUID } from "node:crypto"
import type { ShapeLimits } from "@trust-registry/eatp"
import { type ChainRecord, ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { Document, Write } from "../../store/chains/writes.js"
import { nowMicros } from "../../store/rows/micros.js"
import type { Store } from "../../store/store.js"
import { checkedDocument, type DocumentRequest } from "./document.js"
import { judgeChain } from "./judgement.js"
import { acceptedRecord } from "./outcomes.js"

/** What a chain must be to be stored. */
export interface ChainRules extends ShapeLimits {
  /** Whether a chain is refused of which some signature cannot be checked. */
  requireSignatures: boolean
  /** Most writes that may wait for the database. */
  maxWaitingWrites: number
}

/** What every write says of itself. */
export interface WriteRequest {
  expectedRevision?: bigint | undefined
  requestId: string
}

/** What came of a write. */
export interface Written {
  record: ChainRecord
  operation: string | null
}

/** A document that passed its own checks. */
export interface PreparedWrite {
  /** Judges and writes it; again, it is the same request. */
  write: () => Promise<Written>
  /** Size of the chain in protobuf's binary form. */
  bytes: number
}

/** The writes of chains over a store. */
export type ChainWrites = ReturnType<typeof createChainWrites>

/** How often a document is judged anew because what it was judged by has changed. */
export const MAX_JUDGEMENTS = 5
/** How long a caller should wait whose document could not be judged in time. */
const RETRY_AFTER_MS = 100

/** The writes of chains over a store. Each throws what the contract says of a write that is refused. */
export function createChainWrites(store: Store, rules: ChainRules) {
  const write = async (change: Write): Promise<Written> => {
    const outcome = await store.chains.write(change)
    return { record: acceptedRecord(change, outcome), operation: outcome.operation }
  }

  /** Checks a document; what comes of it judges it by other rows and writes it while those are as they were. */
  const prepareDocument = (
    operation: "store" | "update",
    request: WriteRequest & DocumentRequest,
    actor: string,
  ): PreparedWrite => {
    const { agentId, chain, ...document } = checkedDocument(request, rules, nowMicros())
    const common = { ...commonOf(request, actor), operation, agentId }
    /** What was done already under its request_id stays done, though it would be refused by now. */
    const replayed = async (refusal: unknown): Promise<Written> => {
      if (request.requestId === "") throw refusal
      const change: Write = { ...common, document: { ...document, ...unjudged(agentId) } }
      const outcome = await store.chains.write(change)
      if (outcome.outcome !== "replayed") throw refusal
      return { record: acceptedRecord(change, outcome), operation: outcome.operation }
    }
    const write = async () => {
      for (let judgement = 0; judgement < MAX_JUDGEMENTS; judgement++) {
        const judged = await judgeChain(store.memory, chain, rules.requireSignatures).catch(
          (refusal: unknown) => ({
            refusal,
          }),
        )
        if ("refusal" in judged) return await replayed(judged.refusal)
        const change: Write = { ...common, document: { ...document, ...judged } }
        const outcome = await store.chains.write(change)
        if (outcome.outcome !== "stale")
          return { record: acceptedRecord(change, outcome), operation: outcome.operation }
        store.memory.forget(judged.depends)
      }
      throw judgedInVain(agentId)
    }
    return { write, bytes: document.bytes }
  }

  return { write, prepareDocument }
}

/** Depends on what never is, so that nothing is written: replays are looked for first. */
function unjudged(agentId: string): Pick<Document, "signatureStatus" | "depends"> {
  return { signatureStatus: "unverified", depends: { chains: { [agentId]: -1n }, authorities: {} } }
}

/** What changes faster than it can be judged by. */
export function judgedInVain(agentId?: string): RegistryError {
  return new RegistryError(
    ErrorReason.OVERLOADED,
    "the signers of the chain are being changed faster than it can be judged",
    { ...(agentId === undefined ? {} : { agentId }), retryAfterMs: RETRY_AFTER_MS },
  )
}

/** The parts of a write that every request gives. */
export function commonOf(request: WriteRequest, actor: string) {
  return { actor, requestId: request.requestId || randomUUID(), expectedRevision: request.expectedRevision }
}
