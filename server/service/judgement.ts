import { checkSignatures } from "@trust-registry/eatp"
import { ErrorReason, type TrustLineageChain } from "@trust-registry/proto"
import { type FieldViolation, RegistryError } from "../errors.js"
import type { Store } from "../store/store.js"
import type { Depends, SignatureStatusText } from "../store/writes.js"
import { sentenceOf } from "./fields.js"
import { lineageProblem } from "./lineageProblem.js"
import { signersOf } from "./signers.js"

/** What a chain is worth beside other rows, and which those were. */
export interface Judgement {
  signatureStatus: SignatureStatusText
  depends: Depends
}

/**
 * Judges a chain by what else is stored: its place among its delegators, and the signatures whose signers are known. Throws
 * TRUST_CHAIN_INVALID for a cycle, a way of more than ten hops, a signature that does not hold, and, where signatures are
 * required, for one that cannot be checked.
 */
export async function judgeChain(
  store: Store,
  chain: TrustLineageChain,
  requireSignatures: boolean,
): Promise<Judgement> {
  const signers = await signersOf(store, chain, Date.now())
  const misplaced = lineageProblem(chain, signers)
  const places = misplaced === undefined ? [] : [{ field: "chain.delegations", description: misplaced }]
  refuse(chain, places, "the chain's place among its delegators is refused")
  const { bad, open } = await checkSignatures(chain, signers)
  refuse(chain, requireSignatures ? [...bad, ...open] : bad, "a signature of the chain is refused")
  return { signatureStatus: open.length === 0 ? "verified" : "unverified", depends: signers.depends }
}

function refuse(chain: TrustLineageChain, violations: FieldViolation[], what: string): void {
  if (violations.length === 0) return
  const agentId = chain.genesis?.agentId ?? ""
  const text = `${what}: ${sentenceOf(violations)}`
  throw new RegistryError(ErrorReason.TRUST_CHAIN_INVALID, text, { violations, agentId })
}
