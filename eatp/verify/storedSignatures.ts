import type { TrustLineageChain } from "@trust-registry/proto"
import type { Violation } from "../shape/shapeContext.js"
import { SigningPayloadError } from "../signing/signingPayloadError.js"
import type { AuthorityKey, TrustAuthority } from "./authorityKeys.js"
import { openSignatureBook, type SignatureBook } from "./signatureBook.js"
import type { Lookup, StoredTrust, TrustInput } from "./trustInput.js"
import { slicesOf } from "./turns.js"

/** What is known of who signed a chain. */
export type Signers = {
  /** The authorities that its records name. */
  authorities: Lookup<TrustAuthority>
  /** The chains of its delegators. */
  delegators: Lookup<StoredTrust>
  /** As in {@link TrustInput}, for keys that were compromised. */
  firstStored?: TrustInput["firstStored"]
}

/** What the signatures of a chain are worth. */
export type SignatureFindings = {
  /** Signatures of known signers that do not hold. */
  bad: Violation[]
  /** Records whose signer is not known, or that carry no signature though they may: what makes a chain unverified. */
  open: Violation[]
}

// As in signatureSlices.
const SLICE = 32

/**
 * Checks every signature of a chain whose signer is known, for a store that is about to keep it. Expiry and the like do not matter here: what was signed stays signed.
 */
export async function checkSignatures(
  chain: TrustLineageChain,
  { authorities, delegators, firstStored }: Signers,
): Promise<SignatureFindings> {
  const findings: SignatureFindings = { bad: [], open: [] }
  const { genesis } = chain
  if (!genesis) return findings
  const input = {
    request: { agentId: genesis.agentId, action: "", level: "full" as const },
    nowMicros: 0n,
    chains: delegators,
    authorities,
    firstStored,
    // A capability of the old form is signed as well; whether it counts is for VerifyTrust to say.
    options: { allowUnboundLegacyCapabilities: true },
  }
  const book = lazily(() => openSignatureBook(input, chain, genesis))
  // What would hold but for a revoked key is told apart from what never did.
  const unrevoked = {
    get: (id: string) => {
      const authority = authorities.get(id)
      return authority && neverRevoked(authority)
    },
  }
  const past = lazily(() =>
    openSignatureBook({ ...input, authorities: unrevoked, firstStored: undefined }, chain, genesis),
  )
  const problemOf = ({ signer, holds }: Signed) => {
    const problem = signer && holds(book(), signer)
    if (problem === undefined || !signer?.keys.some(isRevoked)) return problem
    const held = holds(past(), neverRevoked(signer)) === undefined
    return held ? "does not verify: its key was revoked" : problem
  }
  for await (const slice of slicesOf(recordsOf(chain, genesis.authorityId, input), SLICE)) {
    const asks = slice.flatMap(({ signer, holds }) => (signer ? [() => holds(book(), signer)] : []))
    if (asks.length > 0) await book().ahead(asks)
    for (const signed of slice) {
      const { field, signer, absent } = signed
      const problem = problemOf(signed)
      if (signer === undefined) findings.open.push({ field, description: "its signer is not known here" })
      else if (problem !== undefined) findings.bad.push({ field, description: problem })
      else if (absent === true) findings.open.push({ field, description: "is missing" })
    }
  }
  if (chain.chainStateSignature === undefined)
    findings.open.push({ field: "chain.chain_state_signature", description: "is missing" })
  return findings
}

/** Most chains need one book or none, and a book is a good many maps. */
function lazily<Made>(make: () => Made): () => Made {
  let made: Made | undefined
  return () => {
    made ??= make()
    return made
  }
}

type Signed = {
  field: string
  signer: TrustAuthority | undefined
  /** What is wrong with the signature by a book; undefined: nothing. */
  holds: (book: SignatureBook, signer: TrustAuthority) => string | undefined
  /** Whether there is none, though there should be. */
  absent?: boolean
}

function isRevoked({ revoked, compromisedAtMicros }: AuthorityKey): boolean {
  return revoked === true || compromisedAtMicros !== undefined
}

function neverRevoked(authority: TrustAuthority): TrustAuthority {
  return { ...authority, keys: authority.keys.map(({ revoked, compromisedAtMicros, ...key }) => key) }
}

const told = (holds: boolean) => (holds ? undefined : "does not verify with the key that its signer had then")

function* recordsOf(
  chain: TrustLineageChain,
  genesisAuthorityId: string,
  { authorities, chains }: { authorities: Lookup<TrustAuthority>; chains: Lookup<StoredTrust> },
): Iterable<Signed> {
  const authority = authorities.get(genesisAuthorityId)
  yield { field: "chain.genesis.signature", signer: authority, holds: (book) => told(book.genesis()) }
  if (chain.chainStateSignature !== undefined)
    yield {
      field: "chain.chain_state_signature",
      signer: authority,
      holds: (book) => told(book.chainState()),
    }
  for (const [index, capability] of chain.capabilities.entries()) {
    const signer = authorities.get(capability.attesterId || genesisAuthorityId)
    const field = `chain.capabilities[${index}].signature`
    yield { field, signer, holds: (book) => told(book.capability(capability)) }
  }
  for (const [index, delegation] of chain.delegations.entries()) {
    const delegator = chains.get(delegation.delegatorId)?.chain.genesis?.authorityId
    const holds = (book: SignatureBook, signer: TrustAuthority) => {
      const answer = book.delegation(delegation, signer)
      return answer instanceof SigningPayloadError ? answer.message : told(answer)
    }
    yield { field: `chain.delegations[${index}].signature`, signer: authorities.get(delegator ?? ""), holds }
    yield* reasoningOf(delegation, `chain.delegations[${index}]`, authority)
  }
  for (const [index, anchor] of chain.auditAnchors.entries()) {
    const field = `chain.audit_anchors[${index}].signature`
    yield { field, signer: authority, holds: (book) => told(book.anchor(anchor)) }
    yield* reasoningOf(anchor, `chain.audit_anchors[${index}]`, authority)
  }
}

function* reasoningOf(
  record: Parameters<SignatureBook["reasoning"]>[0],
  path: string,
  authority: TrustAuthority | undefined,
): Iterable<Signed> {
  const trace = record.reasoningTrace
  if (trace === undefined) return
  const absent = record.reasoningSignature === undefined
  const holds = (book: SignatureBook) => {
    if (!book.traceHash(record, trace)) return "its trace is not the one that was hashed"
    return absent ? undefined : told(book.reasoning(record, trace))
  }
  yield { field: `${path}.reasoning_signature`, signer: authority, holds, absent }
}
