import type { TrustLineageChain } from "@trust-registry/proto"
import { expiredPart } from "../rules/expiry.js"
import { instantOf } from "../time/time.js"
import { type Told, toldOf } from "./denialSentences.js"
import { capabilityFor, type Question } from "./question.js"
import { signedWithRevokedKey } from "./storedSignatures.js"
import type { TrustInput } from "./trustInput.js"
import type { Denial, DenialFacts, DenialReason } from "./verdict.js"

/** Why trust is denied, for people. */
export type Explained = Told & {
  /** The reason that the explanation is about; the reason of the verdict may be only its consequence. */
  cause: DenialReason
}

/** Explains the denial of a question about a chain: finds what is behind it, and puts it into a sentence. */
export async function explain(question: Question, denial: Denial): Promise<Explained> {
  const { agentId, authorityId } = question.genesis
  const { action } = question.input.request
  const facts = { agentId, action, authorityId, ...statusOf(agentId, question.input), ...denial.facts }
  const found = expiry(question, denial) ?? inactiveDelegator(question, denial) ?? (await revokedKey(denial))
  return explained(found?.cause ?? denial.cause ?? denial.reason, { ...facts, ...found?.facts })
}

/** Explains the denial of a question for which there is no chain to look at. */
export function explainMissing(input: TrustInput, denial: Denial): Explained {
  const { agentId, action } = input.request
  return explained(denial.reason, { agentId, action, ...statusOf(agentId, input), ...denial.facts })
}

/** A cause with its sentence. */
export function explained(cause: DenialReason, facts: DenialFacts): Explained {
  return { cause, ...toldOf(cause, facts) }
}

type Found = { cause: DenialReason; facts: Partial<DenialFacts> }

function statusOf(agentId: string, { chains }: TrustInput): Pick<DenialFacts, "status"> {
  return { status: chains.get(agentId)?.status }
}

// EATP knows an expired chain by its consequences: no capability that counts, or an envelope that ran out.
function expiry({ chain, input }: Question, { reason, facts }: Denial): Found | undefined {
  if (reason === "TRUST_CHAIN_EXPIRED" && facts !== undefined) return undefined
  if (!MADE_BY_EXPIRY.has(reason)) return undefined
  const part = expiredPart(chain, input.nowMicros)
  if (part !== undefined && (reason !== "CONSTRAINT_VIOLATION" || part === "genesis"))
    return { cause: "TRUST_CHAIN_EXPIRED", facts: { since: endOf(chain, part) } }
  if (reason !== "CAPABILITY_NOT_FOUND") return undefined
  const capability = capabilityFor(chain.capabilities, input.request.action, BEFORE_ALL)
  if (capability === undefined) return undefined
  return { cause: "CAPABILITY_EXPIRED", facts: { id: capability.id, since: capability.expiresAt } }
}

const MADE_BY_EXPIRY: ReadonlySet<DenialReason> = new Set([
  "TRUST_CHAIN_EXPIRED",
  "CAPABILITY_NOT_FOUND",
  "CONSTRAINT_VIOLATION",
])

// Nothing had expired then.
const BEFORE_ALL = -(2n ** 63n)

function endOf(
  { genesis, capabilities }: TrustLineageChain,
  part: "genesis" | "capabilities",
): string | undefined {
  if (part === "genesis") return genesis?.expiresAt
  const ends = capabilities.map(({ expiresAt }) => expiresAt)
  return ends.reduce((last, end) => ((instantOf(end) ?? 0n) > (instantOf(last) ?? 0n) ? end : last))
}

function inactiveDelegator({ input }: Question, { reason, facts }: Denial): Found | undefined {
  if (reason !== "DELEGATOR_NOT_FOUND" && reason !== "DELEGATOR_INACTIVE") return undefined
  const stored = input.chains.get(facts?.id ?? "")
  if (stored === undefined || stored.active) return undefined
  return { cause: "DELEGATOR_INACTIVE", facts: { status: stored.status } }
}

// EATP says that the record was changed; mostly it is the key that was revoked.
async function revokedKey({ signature, facts }: Denial): Promise<Found | undefined> {
  const { signer } = signature ?? {}
  if (signature === undefined || signer === undefined) return undefined
  if (!(await signedWithRevokedKey([signature])).has(signature)) return undefined
  return { cause: "KEY_REVOKED", facts: { ...facts, authorityId: signer.id } }
}
