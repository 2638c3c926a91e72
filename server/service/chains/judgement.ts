import { isDeepStrictEqual } from "node:util"
import { checkSignatures } from "@trust-registry/eatp"
import { ErrorReason, type TrustLineageChain } from "@trust-registry/proto"
import { type FieldViolation, RegistryError } from "../../errors.js"
import type { TrustReader } from "../../store/cache/trustReader.js"
import { nowMicros } from "../../store/chains/rows.js"
import type { Depends, SignatureStatusText } from "../../store/chains/writes.js"
import type { Store } from "../../store/store.js"
import { sentenceOf } from "../request/fields.js"
import { lineageProblem } from "../trust/lineageProblem.js"
import { type KnownSigners, signersOf } from "../trust/signers.js"

/** What a chain is worth beside other rows, and which those were. */
export interface Judgement {
  signatureStatus: SignatureStatusText
  depends: Depends
}

/** What a chain is judged by. */
export type Judge = TrustReader & Pick<Store, "forget">

/**
 * Judges a chain by what else is stored: its place among its delegators, and the signatures whose signers are known. Throws
 * TRUST_CHAIN_INVALID for a cycle, a way of more than ten hops, a signature that does not hold, and, where signatures are
 * required, for one that cannot be checked.
 */
export async function judgeChain(
  store: Judge,
  chain: TrustLineageChain,
  requireSignatures: boolean,
): Promise<Judgement> {
  const signers = await signersOf(store, chain, nowMicros())
  try {
    return await judgedBy(signers, chain, requireSignatures)
  } catch (refusal) {
    // What is accepted is compared with the database when it is written. What is refused is not: memory may be old.
    store.forget(signers.depends)
    const fresh = await signersOf(store, chain, nowMicros())
    if (isDeepStrictEqual(fresh.depends, signers.depends)) throw refusal
    return await judgedBy(fresh, chain, requireSignatures)
  }
}

async function judgedBy(
  signers: KnownSigners,
  chain: TrustLineageChain,
  requireSignatures: boolean,
): Promise<Judgement> {
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
