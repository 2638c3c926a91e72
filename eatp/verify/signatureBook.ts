import type {
  AuditAnchor,
  CapabilityAttestation,
  DelegationRecord,
  GenesisRecord,
  ReasoningTrace,
  TrustLineageChain,
} from "@trust-registry/proto"
import { delegationPayload } from "../signing/delegationPayload.js"
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
import type { SigningTime, TrustAuthority } from "./authorityKeys.js"
import { type Claims, openClaims } from "./claims.js"
import { claimOf, madeAt, stateTime } from "./signedBy.js"
import type { TrustInput } from "./trustInput.js"

/**
 * The signatures of one chain, each verified at most once, when it is first asked for or ahead of that. An
 * answer is whether the signature holds; over a payload that cannot be built none does.
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
  /** Verifies ahead what these ask of this book. */
  ahead: Claims["ahead"]
}

/** Opens the book of a chain. */
export function openSignatureBook(
  input: TrustInput,
  chain: TrustLineageChain,
  genesis: GenesisRecord,
): SignatureBook {
  const { holds, byRecord, ahead } = openClaims()
  const owner = () => input.authorities.get(genesis.authorityId)
  const signed = (
    signer: TrustAuthority | undefined,
    signature: string,
    time: SigningTime,
    text: () => string,
  ) => {
    const firstStoredMicros = input.firstStored?.(genesis.agentId, signature)
    return holds(claimOf(signer, signature, { ...time, firstStoredMicros }, text))
  }
  const ofGenesis = byRecord(({ signature, createdAt }: GenesisRecord) =>
    signed(owner(), signature, madeAt(createdAt), () => genesisPayload(genesis)),
  )
  const ofChain = byRecord((whole: TrustLineageChain) =>
    signed(owner(), whole.chainStateSignature ?? "", stateTime(whole), () => chainStatePayload(whole)),
  )
  return {
    genesis: () => ofGenesis(genesis),
    chainState: () => ofChain(chain),
    capability: byRecord((capability) => {
      if (!isKnownVersion(capability, input)) return false
      const attester = input.authorities.get(capability.attesterId || genesis.authorityId)
      const time = madeAt(capability.attestedAt)
      return signed(attester, capability.signature, time, () =>
        capabilityPayload(capability, genesis.agentId),
      )
    }),
    delegation: byRecord((delegation, signer) => {
      const text = payloadOrError(delegation)
      if (typeof text !== "string") return text
      return signed(signer, delegation.signature, madeAt(delegation.delegatedAt), () => text)
    }),
    anchor: byRecord((anchor) =>
      signed(owner(), anchor.signature, madeAt(anchor.timestamp), () => auditAnchorPayload(anchor)),
    ),
    traceHash: byRecord((record, trace) => record.reasoningTraceHash === reasoningTraceHash(trace)),
    reasoning: byRecord((record, trace) => {
      const time = madeAt("delegatedAt" in record ? record.delegatedAt : record.timestamp)
      return signed(owner(), record.reasoningSignature ?? "", time, () => reasoningPayload(trace, record.id))
    }),
    ahead,
  }
}

function payloadOrError(delegation: DelegationRecord): string | SigningPayloadError {
  try {
    return delegationPayload(delegation)
  } catch (error) {
    if (error instanceof SigningPayloadError) return error
    throw error
  }
}

function isKnownVersion({ signingPayloadVersion }: CapabilityAttestation, { options }: TrustInput): boolean {
  const version = signingPayloadVersion ?? CAPABILITY_LEGACY
  if (version === CAPABILITY_LEGACY) return options?.allowUnboundLegacyCapabilities === true
  return version === CAPABILITY_SUBJECT_BOUND
}
