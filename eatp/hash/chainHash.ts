import type { Constraint, ConstraintEnvelope, TrustLineageChain } from "@trust-registry/proto"
import { ConstraintTypeSchema } from "@trust-registry/proto"
import { wordOf } from "../document/words.js"
import { byCodePoint } from "../json/codePointOrder.js"
import { parseSteps } from "../json/parseJson.js"
import { sortSteps } from "../turns/sort.js"
import { atOnce } from "../turns/turns.js"
import { constraintText, hashTexts } from "./constraintHash.js"
import { type ChainState, linkedStateHash, stateHash } from "./stateHash.js"

/**
 * EATP's state hash of a chain, lowercase hex: over the ids and the stored constraint hash. If that is empty and there
 * are constraints, it is recomputed, as the reference implementation does when it reads a chain.
 *
 * @throws JsonSyntaxError or CanonicalError if a constraint's value cannot be hashed (checkShape refuses those).
 */
export function chainHash(chain: TrustLineageChain): string {
  return stateHash(chainState(chain))
}

/** EATP's linked state hash, `chain.hash(previous_hash=…)`; the previous hash may be any text. Throws as chainHash. */
export function linkedChainHash(chain: TrustLineageChain, previousHash: string): string {
  return linkedStateHash(chainState(chain), chain.genesis?.id ?? "", previousHash)
}

/** What the state hash of a chain covers, with the stored constraint hash unless another is given; throws as {@link chainHash} does. */
export function chainState(
  chain: TrustLineageChain,
  constraintHash = storedConstraintHash(chain.constraintEnvelope),
): ChainState {
  return {
    genesisId: chain.genesis?.id ?? "",
    capabilityIds: sortedIds(chain.capabilities),
    delegationIds: sortedIds(chain.delegations),
    constraintHash,
  }
}

/** Computes the hash of an envelope's constraints: lowercase hex, empty without constraints. Throws as chainHash does. */
export function constraintHash(constraints: readonly Constraint[]): string {
  return atOnce(constraintHashSteps(constraints))
}

/** The same in steps between which others may have a turn. */
export function* constraintHashSteps(constraints: readonly Constraint[]): Generator<void, string> {
  if (constraints.length === 0) return ""
  const sorted = yield* sortSteps(constraints, (a, b) => byCodePoint(a.id, b.id))
  const texts: string[] = []
  for (const { id, constraintType, valueJson } of sorted) {
    const type = wordOf(ConstraintTypeSchema, constraintType) ?? ""
    texts.push(constraintText({ id, type, value: yield* parseSteps(valueJson) }))
    if (texts.length % CONSTRAINTS_PER_STEP === 0) yield
  }
  return hashTexts(texts)
}

// After how many constraints others may have a turn.
const CONSTRAINTS_PER_STEP = 256

function storedConstraintHash(envelope: ConstraintEnvelope | undefined): string {
  if (envelope === undefined) return ""
  return envelope.constraintHash || constraintHash(envelope.activeConstraints)
}

function sortedIds(records: readonly { id: string }[]): string[] {
  return records.map((record) => record.id).sort(byCodePoint)
}
