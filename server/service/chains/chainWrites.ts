import { randomUUID } from "node:crypto"
import type { ShapeLimits } from "@trust-registry/eatp"
import { type ChainRecord, ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { ArchivedState, Document, Replacement, Write } from "../../store/chains/writes.js"
import type { Store } from "../../store/store.js"
import { bytesOf, type CheckedDocument, checkedDocument, type DocumentRequest } from "./document.js"
import { acceptedRecord } from "./outcomes.js"
import { type Validation, validateChain } from "./validation.js"

/** The rules that a chain must satisfy to be stored. */
export interface ChainRules extends ShapeLimits {
  /** Whether a chain with a signature that cannot be checked is refused. */
  requireSignatures: boolean
  /** How long after its date a record may first be stored that is signed with a key whose window has an end, in milliseconds. */
  maxRecordAgeMs: number
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
  /** What was done, now or by an earlier attempt of the same request; null if there was nothing to do. */
  operation: string | null
}

/** A document to write. */
export interface PreparedWrite {
  /** Validates it by itself and against other rows, and writes it. Calling it again retries the same request. */
  write: () => Promise<Written>
  /** Size of the chain in protobuf's binary form. */
  bytes: number
}

/** What an import demands of a chain, or takes with it. */
export interface ImportedAs {
  /** As Demands.requireDelegators. */
  requireDelegators?: boolean
  /** The state in which an archive has it. Unset: it comes from no archive. */
  state?: Exclude<ArchivedState, "purged"> | undefined
}

/** The functions that write chains. */
export type ChainWrites = ReturnType<typeof createChainWrites>

/** How many times a document is validated when the rows it depends on keep changing. */
export const MAX_VALIDATIONS = 5
/** How long a caller should wait after that, in milliseconds. */
const RETRY_AFTER_MS = 100

/** Creates the functions that write chains. Each throws the contract's error for a refused write. */
export function createChainWrites(store: Store, rules: ChainRules) {
  const write = async (change: Write): Promise<Written> => {
    const outcome = await apply(store, change)
    return { record: acceptedRecord(change, outcome), operation: outcome.operation }
  }

  /**
   * Writes what is valid, and validates it again as long as what it depends on has changed meanwhile. A retry of a successful write
   * returns its result, even if the chain would be refused by now.
   */
  const writeValidated = async (
    validate: () => Promise<Validation>,
    changeOf: (validation: Validation) => Write,
    { agentId, requestId }: Pick<Write, "agentId" | "requestId">,
  ): Promise<Written> => {
    for (let attempt = 0; attempt < MAX_VALIDATIONS; attempt++) {
      const validation = await validate().catch((refusal: unknown) => ({ refusal }))
      const refused = "refusal" in validation
      if (refused && requestId === "") throw validation.refusal
      const change = changeOf(refused ? unvalidated(agentId) : validation)
      const outcome = await apply(store, change)
      if (refused && outcome.outcome !== "replayed") throw validation.refusal
      if (outcome.outcome !== "stale")
        return { record: acceptedRecord(change, outcome), operation: outcome.operation }
      if (!refused) store.memory.forget(validation.depends)
    }
    throw signersKeepChanging(agentId)
  }

  /** Brings back a deleted chain, which is validated again: its signers may have lost keys meanwhile. */
  const restore = async (agentId: string, request: WriteRequest, caller: Caller): Promise<Written> => {
    const common = { ...commonOf(request, caller.actor), operation: "restore" as const, agentId }
    const validate = async (): Promise<Validation> => {
      const stored = await store.memory.getChain(agentId)
      const own = new Map([[agentId, stored?.revision ?? 0n]])
      if (stored?.status !== "deleted")
        return { signatureStatus: "unverified", depends: { chains: own, authorities: new Map() } }
      const { signatureStatus, depends } = await validateChain(
        store.memory,
        stored.chain(),
        rules,
        readingOf(store, caller),
      )
      return { signatureStatus, depends: { ...depends, chains: new Map([...depends.chains, ...own]) } }
    }
    const changeOf = ({ depends }: Validation) => ({ ...common, depends })
    return await writeValidated(validate, changeOf, { agentId, requestId: request.requestId })
  }

  /** Its write succeeds only if the rows that it was validated against are still unchanged. */
  const prepareDocument = (
    operation: "store" | "update",
    request: WriteRequest & DocumentRequest & Replacement,
    caller: Caller,
    { requireDelegators, state }: ImportedAs = {},
  ): PreparedWrite => {
    const now = state === undefined ? store.now() : undefined
    const bytes = bytesOf(request)
    const imported = state && { operation: `import_${state}` as const, expectedRevision: 0n }
    const common = { ...commonOf(request, caller.actor), operation, ...imported }
    const demands = { ...rules, requireDelegators, archived: state !== undefined }
    const allowed = { allowUnverified: request.allowUnverified, allowNewAuthority: request.allowNewAuthority }
    let valid: CheckedDocument | undefined
    const write = async () => {
      valid ??= await checkedDocument(request, rules, now, bytes)
      const { agentId, chain, ...document } = valid
      return await writeValidated(
        () => validateChain(store.memory, chain, demands, readingOf(store, caller)),
        (validation) => ({ ...common, agentId, allowed, document: { ...document, ...validation } }),
        { agentId, requestId: request.requestId },
      )
    }
    return { write, bytes }
  }

  return { write, restore, prepareDocument }
}

/** Who makes a request, and the signal that ends what is done for it. */
type Caller = Pick<RpcContext, "actor" | "signal">

/** Making a signal takes time, and most writes need none. */
function readingOf({ account }: Store, caller: Caller) {
  return {
    account,
    get signal() {
      return caller.signal
    },
  }
}

/** What comes from archives is judged by rules of its own. */
function apply({ chains }: Store, change: Write) {
  return change.operation.startsWith("import_") ? chains.import(change) : chains.write(change)
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
    "the signers of the chain keep changing faster than it can be validated",
    { ...(agentId === undefined ? {} : { agentId }), retryAfterMs: RETRY_AFTER_MS },
  )
}

/** The write that deletes a chain: softly, or permanently along with its documents in history. */
export function deletionOf(agentId: string, common: CommonWrite, purge: boolean): Write {
  return { ...common, agentId, operation: purge ? "purge" : "delete" }
}

/** The parts of a write common to all requests. */
export type CommonWrite = ReturnType<typeof commonOf>

/** The common parts from a request. Generates a request id if the request has none. */
export function commonOf(request: WriteRequest, actor: string) {
  return { actor, requestId: request.requestId || randomUUID(), expectedRevision: request.expectedRevision }
}
