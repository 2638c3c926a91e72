import { checkSignatures } from "@trust-registry/eatp"
import { ErrorReason, type TrustLineageChain } from "@trust-registry/proto"
import { RegistryError } from "../errors.js"
import type { Store } from "../store/store.js"
import type { Depends, SignatureStatusText } from "../store/writes.js"
import { sentenceOf } from "./fields.js"
import { signersOf } from "./signers.js"

/** What the signatures of a chain are worth, and what that was judged by. */
export interface JudgedSignatures {
  signatureStatus: SignatureStatusText
  depends: Depends
}

/**
 * Checks the signatures of a chain whose signers the registry knows. Throws TRUST_CHAIN_INVALID for one that does not hold,
 * and, where signatures are required, for one that cannot be checked.
 */
export async function judgeSignatures(
  store: Store,
  chain: TrustLineageChain,
  requireSignatures: boolean,
): Promise<JudgedSignatures> {
  const { depends, ...signers } = await signersOf(store, chain, Date.now())
  const { bad, open } = await checkSignatures(chain, signers)
  const violations = requireSignatures ? [...bad, ...open] : bad
  if (violations.length > 0) {
    const agentId = chain.genesis?.agentId ?? ""
    const text = `a signature of the chain is refused: ${sentenceOf(violations)}`
    throw new RegistryError(ErrorReason.TRUST_CHAIN_INVALID, text, { violations, agentId })
  }
  return { signatureStatus: open.length === 0 ? "verified" : "unverified", depends }
}
