import type {
  AuditAnchor,
  CapabilityAttestation,
  DelegationRecord,
  GenesisRecord,
  TrustLineageChain,
} from "@trust-registry/proto"
import { delegationSteps } from "../signing/delegationPayload.js"
import { reasoningHashSteps, reasoningSteps } from "../signing/reasoningPayload.js"
import {
  auditAnchorSteps,
  CAPABILITY_LEGACY,
  CAPABILITY_SUBJECT_BOUND,
  capabilitySteps,
  chainStateSteps,
  genesisSteps,
} from "../signing/recordPayload.js"
import { SigningPayloadError } from "../signing/signingPayloadError.js"
import { instantOf } from "../time/time.js"
import { type AuthorityKey, keysFor, type SigningTime, type TrustAuthority } from "./authorityKeys.js"
import { attesterOf } from "./recognition.js"
import type { TrustInput } from "./trustInput.js"

/** A signature over a text, and the keys of which one must have made it; without keys it does not verify. */
export type Claim = {
  signature: string
  text: string
  keys: readonly AuthorityKey[]
  /** The record's date, in microseconds since 1970 UTC; undefined for a naive one. */
  atMicros: bigint | undefined
}

/**
 * What verifying a signature finds. `missing`: the record carries none; `hash_mismatch`: a reasoning trace is not the
 * one whose hash its record signs; an error: a delegation has no payload to sign.
 */
export type SignatureOutcome = "valid" | "invalid" | "missing" | "hash_mismatch" | SigningPayloadError

/** One signature of a chain. */
export type ChainSignature = {
  /** The authority that must have made it; undefined if it is not known. */
  readonly signer: TrustAuthority | undefined
  /** Builds what is verified with the keys of a signer, in steps, or gives the outcome if there is nothing to verify. */
  readonly claim: (signer: TrustAuthority) => Generator<void, Claim | SignatureOutcome>
  /** Set by verifySignatures; until then undefined, which no check takes for valid. */
  outcome?: SignatureOutcome
}

/** The signatures of one chain: the same object for the same record, so that each is verified once. */
export type ChainSignatures = {
  genesis(): ChainSignature
  chainState(): ChainSignature
  capability(capability: CapabilityAttestation): ChainSignature
  /** Signed by the genesis authority of the delegator. */
  delegation(delegation: DelegationRecord): ChainSignature
  anchor(anchor: AuditAnchor): ChainSignature
  /** The signature of the record's reasoning trace, once the trace matches the hash in the record. */
  reasoning(record: DelegationRecord | AuditAnchor): ChainSignature
}

/** Gives the signatures of chains, of each chain once. */
export function openSignatures(
  input: TrustInput,
): (chain: TrustLineageChain, genesis: GenesisRecord) => ChainSignatures {
  const opened = new Map<TrustLineageChain, ChainSignatures>()
  return (chain, genesis) => {
    const signatures = opened.get(chain) ?? signaturesOf(chain, genesis, input)
    opened.set(chain, signatures)
    return signatures
  }
}

function signaturesOf(chain: TrustLineageChain, genesis: GenesisRecord, input: TrustInput): ChainSignatures {
  const owner = input.authorities.get(genesis.authorityId)
  const records = new Map<object, ChainSignature>()
  const traces = new Map<object, ChainSignature>()
  const claim = (signer: TrustAuthority, signature: string, time: SigningTime, payload: () => Payload) =>
    claimOf(
      signer,
      signature,
      { ...time, firstStoredMicros: input.firstStored?.(genesis.agentId, signature) },
      payload,
    )
  return {
    genesis: () =>
      once(records, genesis, owner, (signer) =>
        claim(signer, genesis.signature, datedAt(genesis.createdAt), () => genesisSteps(genesis)),
      ),
    chainState: () =>
      once(records, chain, owner, function* (signer) {
        const { chainStateSignature: signature } = chain
        if (signature === undefined) return "missing"
        return yield* claim(signer, signature, stateTime(chain), () => chainStateSteps(chain))
      }),
    capability: (capability) => {
      const attester = input.authorities.get(attesterOf(chain, capability))
      return once(records, capability, attester, function* (signer) {
        if (!isKnownVersion(capability, input)) return "invalid"
        const payload = () => capabilitySteps(capability, genesis.agentId)
        return yield* claim(signer, capability.signature, datedAt(capability.attestedAt), payload)
      })
    },
    delegation: (delegation) =>
      once(records, delegation, delegatorAuthority(delegation, input), function* (signer) {
        const text = yield* payloadOrError(delegation)
        if (typeof text !== "string") return text
        return yield* claim(signer, delegation.signature, datedAt(delegation.delegatedAt), () => text)
      }),
    anchor: (anchor) =>
      once(records, anchor, owner, (signer) =>
        claim(signer, anchor.signature, datedAt(anchor.timestamp), () => auditAnchorSteps(anchor)),
      ),
    reasoning: (record) =>
      once(traces, record, owner, function* (signer) {
        const { reasoningTrace: trace, reasoningSignature: signature } = record
        if (trace === undefined) return "missing"
        if (record.reasoningTraceHash !== (yield* reasoningHashSteps(trace))) return "hash_mismatch"
        if (signature === undefined) return "missing"
        const date = "delegatedAt" in record ? record.delegatedAt : record.timestamp
        return yield* claim(signer, signature, datedAt(date), () => reasoningSteps(trace, record.id))
      }),
  }
}

function once(
  made: Map<object, ChainSignature>,
  record: object,
  signer: TrustAuthority | undefined,
  claim: ChainSignature["claim"],
): ChainSignature {
  const signature = made.get(record) ?? { signer, claim }
  made.set(record, signature)
  return signature
}

// A text, or the steps that make it.
type Payload = string | Generator<void, string>

// No signature verifies over a payload that cannot be built.
function* claimOf(
  signer: TrustAuthority,
  signature: string,
  time: SigningTime,
  payload: () => Payload,
): Generator<void, Claim | SignatureOutcome> {
  try {
    const made = payload()
    const text = typeof made === "string" ? made : yield* made
    return { signature, text, keys: keysFor(signer, time), atMicros: time.atMicros }
  } catch {
    return "invalid"
  }
}

function delegatorAuthority(
  { delegatorId }: DelegationRecord,
  input: TrustInput,
): TrustAuthority | undefined {
  const genesis = input.chains.get(delegatorId)?.chain.genesis
  return genesis && input.authorities.get(genesis.authorityId)
}

/** The time of a record with a date. */
export function datedAt(time: string): SigningTime {
  return { atMicros: instantOf(time) }
}

/** The time of a chain's state, which has no date: it was signed at or after the newest record that it covers. */
export function stateTime({ genesis, capabilities, delegations }: TrustLineageChain): SigningTime {
  const times = [
    genesis?.createdAt,
    ...capabilities.map(({ attestedAt }) => attestedAt),
    ...delegations.map(({ delegatedAt }) => delegatedAt),
  ].map(instantOf)
  const atMicros = times.reduce((last, time) => (last === undefined || (time ?? last) > last ? time : last))
  return { atMicros, orLater: true }
}

function* payloadOrError(delegation: DelegationRecord): Generator<void, string | SigningPayloadError> {
  try {
    return yield* delegationSteps(delegation)
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
