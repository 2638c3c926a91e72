import { setMaxListeners } from "node:events"
import { isDeepStrictEqual } from "node:util"
import { checkSignatures } from "@trust-registry/eatp"
import { ErrorReason, type TrustLineageChain } from "@trust-registry/proto"
import type { ByteAccount } from "../../async/byteAccount.js"
import { type FieldViolation, RegistryError } from "../../errors.js"
import type { Depends, SignatureStatusText } from "../../store/chains/writes.js"
import { type MemoryReader, NOT_IN_MEMORY } from "../../store/readers/memoryReader.js"
import type { TrustReader } from "../../store/readers/trustReader.js"
import { sentenceOf } from "../request/fields.js"
import { type Read, readInRoom } from "../verification/boundedReading.js"
import { lineageProblem } from "../verification/lineageProblem.js"
import { type KnownSigners, signersOf } from "../verification/signers.js"
import { assureIssued } from "./issuance.js"

/** The result of validating a chain against other rows, and the revisions of those rows. */
export interface Validation {
  signatureStatus: SignatureStatusText
  depends: Depends
}

/** What a chain must satisfy besides having no invalid signature. */
export interface Demands {
  /** Whether a chain with a signature that cannot be checked is refused. */
  requireSignatures: boolean
  /** Whether a chain with a delegator that has no stored chain, and is not known to be gone, is refused. */
  requireDelegators?: boolean | undefined
  /**
   * Whether it is as another registry had it: a signature that only a revoked key verifies counts as one that cannot be checked, and
   * none of its records is new.
   */
  archived?: boolean | undefined
  /** How long after its date a record may be stored whose key has an end, in milliseconds. */
  maxRecordAgeMs: number
}

/**
 * Validates a chain against stored rows: its lineage, and the signatures whose signers are known.
 * Throws TRUST_CHAIN_INVALID for a cycle, a path of more than ten hops, an invalid signature, and what the demands refuse; for a new
 * record, also AUTHORITY_INACTIVE and AUTHORITY_NOT_PERMITTED.
 */
export async function validateChain(
  memory: MemoryReader,
  chain: TrustLineageChain,
  demands: Demands,
  reading: Reading,
): Promise<Validation> {
  const stored = await signersInRoom(memory, chain, reading)
  try {
    const { found: signers } = stored
    try {
      return await validateAgainst(memory, signers, chain, demands)
    } catch (refusal) {
      // The write checks these rows again for an accepted chain, but not for a refused one, and memory may be stale.
      memory.forget(signers.depends)
      const fresh = await signersOf(memory, chain, memory.now())
      if (isDeepStrictEqual(fresh.depends, signers.depends)) throw refusal
      return await validateAgainst(memory, fresh, chain, demands)
    }
  } finally {
    stored.release()
  }
}

/** On whose behalf ancestors are read, and what counts their bytes. */
export interface Reading {
  account: ByteAccount | undefined
  /** Aborts when the caller has left. */
  readonly signal: AbortSignal
}

/** The signers, read once there is room for the chains among them, unless memory has all of them or none is needed. */
async function signersInRoom(
  memory: MemoryReader,
  chain: TrustLineageChain,
  reading: Reading,
): Promise<Read<KnownSigners>> {
  const read = (reader: TrustReader) => signersOf(reader, chain, memory.now())
  if (chain.delegations.length === 0) return { found: await read(memory), release: () => undefined }
  try {
    return { found: await read(memory.kept), release: () => undefined }
  } catch (error) {
    if (error !== NOT_IN_MEMORY) throw error
    // Many chains of an import are read for at once, each with listeners of its own.
    setMaxListeners(0, reading.signal)
    return await readInRoom(reading.account, reading.signal, (bound) => read(bound(memory)), "validation")
  }
}

async function validateAgainst(
  memory: MemoryReader,
  signers: KnownSigners,
  chain: TrustLineageChain,
  { requireSignatures, requireDelegators, archived, maxRecordAgeMs }: Demands,
): Promise<Validation> {
  const misplaced = await lineageProblem(chain, signers)
  const places = misplaced === undefined ? [] : [{ field: "chain.delegations", description: misplaced }]
  refuse(chain, places, "the lineage of the chain is invalid")
  if (requireDelegators) {
    const gone = signers.missing.length === 0 ? new Set() : await memory.goneAgents(signers.missing)
    refuseMissing(chain, missingDelegators(chain, signers, gone))
  }
  const { bad, revoked, open } = await checkSignatures(chain, signers)
  const forgiven = new Set(archived && !requireSignatures ? revoked : [])
  refuse(
    chain,
    bad.filter((violation) => !forgiven.has(violation)),
    "a signature of the chain is invalid",
  )
  if (requireSignatures) {
    refuseMissing(chain, missingDelegators(chain, signers, new Set()))
    refuse(chain, open, "a signature of the chain cannot be checked")
  }
  if (!archived)
    await assureIssued(memory, signers, chain, {
      nowMicros: memory.now(),
      maxAgeMicros: BigInt(maxRecordAgeMs) * 1000n,
    })
  const all = open.length + forgiven.size === 0
  return { signatureStatus: all ? "verified" : "unverified", depends: signers.depends }
}

function missingDelegators(chain: TrustLineageChain, { missing }: KnownSigners, gone: ReadonlySet<unknown>) {
  const absent = new Set(missing.filter((id) => !gone.has(id)))
  return [...chain.delegations.entries()].filter(([, { delegatorId }]) => absent.has(delegatorId))
}

type Placed = [number, TrustLineageChain["delegations"][number]]

/** Not the signer's fault: the delegation can be checked once its delegator's chain is stored. */
function refuseMissing(chain: TrustLineageChain, delegations: Placed[]): void {
  const violations = delegations.map(([place, { delegatorId }]) => ({
    field: `chain.delegations[${place}].delegator_id`,
    description: `${JSON.stringify(delegatorId)} has no stored chain here: store it first`,
  }))
  const metadata = { missing_delegator: delegations[0]?.[1].delegatorId ?? "" }
  refuse(chain, violations, "a delegator of the chain is missing", metadata)
}

function refuse(
  chain: TrustLineageChain,
  violations: FieldViolation[],
  what: string,
  metadata?: Record<string, string>,
): void {
  if (violations.length === 0) return
  const agentId = chain.genesis?.agentId ?? ""
  const text = `${what}: ${sentenceOf(violations)}`
  const facts = { violations, agentId, ...(metadata && { metadata }) }
  throw new RegistryError(ErrorReason.TRUST_CHAIN_INVALID, text, facts)
}
