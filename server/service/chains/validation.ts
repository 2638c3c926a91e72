import { isDeepStrictEqual } from "node:util"
import { checkSignatures } from "@trust-registry/eatp"
import { ErrorReason, type TrustLineageChain } from "@trust-registry/proto"
import { type FieldViolation, RegistryError } from "../../errors.js"
import type { Depends, SignatureStatusText } from "../../store/chains/writes.js"
import type { MemoryReader } from "../../store/readers/memoryReader.js"
import { sentenceOf } from "../request/fields.js"
import { lineageProblem } from "../verification/lineageProblem.js"
import { type KnownSigners, signersOf } from "../verification/signers.js"

/** The result of validating a chain against other rows, and the revisions of those rows. */
export interface Validation {
  signatureStatus: SignatureStatusText
  depends: Depends
}

/**
 * Validates a chain against stored rows: its lineage, and the signatures whose signers are known.
 * Throws TRUST_CHAIN_INVALID for a cycle, a path of more than ten hops, an invalid signature, and, where signatures are
 * required, for one that cannot be checked.
 */
export async function validateChain(
  memory: MemoryReader,
  chain: TrustLineageChain,
  requireSignatures: boolean,
): Promise<Validation> {
  const signers = await signersOf(memory, chain, memory.now())
  try {
    return await validateAgainst(signers, chain, requireSignatures)
  } catch (refusal) {
    // The write checks these rows again for an accepted chain, but not for a refused one, and memory may be stale.
    memory.forget(signers.depends)
    const fresh = await signersOf(memory, chain, memory.now())
    if (isDeepStrictEqual(fresh.depends, signers.depends)) throw refusal
    return await validateAgainst(fresh, chain, requireSignatures)
  }
}

async function validateAgainst(
  signers: KnownSigners,
  chain: TrustLineageChain,
  requireSignatures: boolean,
): Promise<Validation> {
  const misplaced = await lineageProblem(chain, signers)
  const places = misplaced === undefined ? [] : [{ field: "chain.delegations", description: misplaced }]
  refuse(chain, places, "the lineage of the chain is invalid")
  const { bad, open } = await checkSignatures(chain, signers)
  refuse(chain, requireSignatures ? [...bad, ...open] : bad, "a signature of the chain is invalid")
  return { signatureStatus: open.length === 0 ? "verified" : "unverified", depends: signers.depends }
}

function refuse(chain: TrustLineageChain, violations: FieldViolation[], what: string): void {
  if (violations.length === 0) return
  const agentId = chain.genesis?.agentId ?? ""
  const text = `${what}: ${sentenceOf(violations)}`
  throw new RegistryError(ErrorReason.TRUST_CHAIN_INVALID, text, { violations, agentId })
}
