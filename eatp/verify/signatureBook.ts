import type {
  AuditAnchor,
  CapabilityAttestation,
  DelegationRecord,
  GenesisRecord,
  ReasoningTrace,
  TrustLineageChain,
} from "@trust-registry/proto"
import { delegationPayload } from "../signing/delegationPayload.js"
import { verifyText } from "../signing/ed25519.js"
import { reasoningPayload, reasoningTraceHash } from "../signing/reasoningPayload.js"
import {
  auditAnchorPayload,
  CAPABILITY_LEGACY,
  CAPABILITY_SUBJECT_BOUND,
  capabilityPayload,
  chainStatePayload,
  genesisPayload,
} from "../signing/recordPayload.js"
import { SigningPayloadError } from "../signing/signingPayloadError.js"
import { keysFor, type SigningTime, type TrustAuthority } from "./authorityKeys.js"
import { instantOf } from "./moments.js"
import type { TrustInput } from "./trustInput.js"

/**
 * The signatures of one chain, each verified at most once, when it is first asked for. An answer is whether the signature
 * holds; over a payload that cannot be built none does.
 */
export type SignatureBook = {
  genesis(): boolean
  chainState(): boolean
  capability(capability: CapabilityAttestation): boolean
  /** Tells why where there is no payload: that is a reason of its own. */
  delegation(delegation: DelegationRecord, authority: TrustAuthority): boolean | SigningPayloadError
  anchor(anchor: AuditAnchor): boolean
  /** Whether the record holds the hash of its trace. */
  traceHash(record: DelegationRecord | AuditAnchor, trace: ReasoningTrace): boolean
  reasoning(record: DelegationRecord | AuditAnchor, trace: ReasoningTrace): boolean
}

/** Opens the book of a chain. */
export function openSignatureBook(
  input: TrustInput,
  chain: TrustLineageChain,
  genesis: GenesisRecord,
): SignatureBook {
  const once = answerOnce<boolean>()
  const reasonedOnce = answerOnce<boolean>()
  const hashedOnce = answerOnce<boolean>()
  const lentOnce = answerOnce<boolean | SigningPayloadError>()
  const authority = () => input.authorities.get(genesis.authorityId)
  const holds = (
    signer: TrustAuthority | undefined,
    signature: string,
    time: SigningTime,
    text: () => string | undefined,
  ) =>
    verifies(
      signer,
      signature,
      { ...time, firstStoredMicros: input.firstStored?.(genesis.agentId, signature) },
      text,
    )

  return {
    genesis: () =>
      once(genesis, () =>
        holds(
          authority(),
          genesis.signature,
          at(genesis.createdAt),
          soft(() => genesisPayload(genesis)),
        ),
      ),
    chainState: () =>
      once(chain, () =>
        holds(
          authority(),
          chain.chainStateSignature ?? "",
          newest(chain),
          soft(() => chainStatePayload(chain)),
        ),
      ),
    capability: (capability) =>
      once(capability, () => {
        if (!isKnownVersion(capability, input)) return false
        const attester = input.authorities.get(capability.attesterId || genesis.authorityId)
        const text = soft(() => capabilityPayload(capability, genesis.agentId))
        return holds(attester, capability.signature, at(capability.attestedAt), text)
      }),
    delegation: (delegation, signer) =>
      lentOnce(delegation, () => {
        const text = payloadOrError(delegation)
        if (typeof text !== "string") return text
        return holds(signer, delegation.signature, at(delegation.delegatedAt), () => text)
      }),
    anchor: (anchor) =>
      once(anchor, () =>
        holds(
          authority(),
          anchor.signature,
          at(anchor.timestamp),
          soft(() => auditAnchorPayload(anchor)),
        ),
      ),
    traceHash: (record, trace) =>
      hashedOnce(record, () => record.reasoningTraceHash === reasoningTraceHash(trace)),
    reasoning: (record, trace) =>
      reasonedOnce(record, () => {
        const time = at("delegatedAt" in record ? record.delegatedAt : record.timestamp)
        return holds(
          authority(),
          record.reasoningSignature ?? "",
          time,
          soft(() => reasoningPayload(trace, record.id)),
        )
      }),
  }
}

function answerOnce<Answer>(): (subject: object, answer: () => Answer) => Answer {
  const answers = new Map<object, Answer>()
  return (subject, answer) => {
    const known = answers.get(subject) ?? answer()
    answers.set(subject, known)
    return known
  }
}

function verifies(
  authority: TrustAuthority | undefined,
  signature: string,
  time: SigningTime,
  payload: () => string | undefined,
): boolean {
  if (authority === undefined) return false
  const text = payload()
  if (text === undefined) return false
  return keysFor(authority, time).some((key) => verifyText(text, signature, key.publicKey))
}

function payloadOrError(delegation: DelegationRecord): string | SigningPayloadError {
  try {
    return delegationPayload(delegation)
  } catch (error) {
    if (error instanceof SigningPayloadError) return error
    throw error
  }
}

// A payload that cannot be built is none.
function soft(payload: () => string): () => string | undefined {
  return () => {
    try {
      return payload()
    } catch {
      return undefined
    }
  }
}

function isKnownVersion({ signingPayloadVersion }: CapabilityAttestation, { options }: TrustInput): boolean {
  const version = signingPayloadVersion ?? CAPABILITY_LEGACY
  if (version === CAPABILITY_LEGACY) return options?.allowUnboundLegacyCapabilities === true
  return version === CAPABILITY_SUBJECT_BOUND
}

function at(time: string): SigningTime {
  return { atMicros: instantOf(time) }
}

// The state has no date of its own: it was signed at or after the newest record that it covers.
function newest(chain: TrustLineageChain): SigningTime {
  const times = [
    chain.genesis?.createdAt,
    ...chain.capabilities.map(({ attestedAt }) => attestedAt),
    ...chain.delegations.map(({ delegatedAt }) => delegatedAt),
  ].map(instantOf)
  const latest = times.reduce((last, time) => (last === undefined || (time ?? last) > last ? time : last))
  return { atMicros: latest, orLater: true }
}
