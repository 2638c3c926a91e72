import {
  type AuditAnchor,
  AuthorityPermission,
  type DelegationRecord,
  type TrustLineageChain,
} from "@trust-registry/proto"
import type { SigningTime, TrustAuthority } from "./authorityKeys.js"
import {
  type ChainSignature,
  type ChainSignatures,
  datedAt,
  openSignatures,
  stateTime,
} from "./chainSignatures.js"
import type { Lookup, StoredTrust, TrustInput } from "./trustInput.js"

/** What is known about who signed a chain. */
export type Signers = {
  /** The authorities that its records name. */
  authorities: Lookup<TrustAuthority>
  /** The chains of its delegators. */
  delegators: Lookup<StoredTrust>
  /** As in {@link TrustInput}, for keys that were compromised. */
  firstStored?: TrustInput["firstStored"]
}

/** A signature of a chain, and where it stands. */
export type SignedField = {
  /** Path in proto names, from `chain` on. */
  field: string
  signature: ChainSignature
  /** The signature as the chain has it. */
  text: string
  /** When it was made, as far as the record says. */
  time: SigningTime
  /** What its signer must be allowed to do to make such a record. */
  permission?: AuthorityPermission
}

/** Every signature of a chain in the order of its fields, none of them verified yet; none without a genesis record. */
export function signedFields(
  chain: TrustLineageChain,
  { authorities, delegators, firstStored }: Signers,
): SignedField[] {
  const { genesis } = chain
  if (!genesis) return []
  const signaturesOf = openSignatures({
    request: { agentId: genesis.agentId, action: "", level: "full" },
    nowMicros: 0n,
    chains: delegators,
    authorities,
    firstStored,
    // A legacy capability is signed as well; whether it counts is for VerifyTrust to decide.
    options: { allowUnboundLegacyCapabilities: true },
  })
  return [...fieldsOf(chain, signaturesOf(chain, genesis))]
}

// A missing chain-state signature is no field.
function* fieldsOf(chain: TrustLineageChain, signatures: ChainSignatures): Iterable<SignedField> {
  const { genesis, chainStateSignature } = chain
  if (genesis)
    yield {
      field: "chain.genesis.signature",
      signature: signatures.genesis(),
      text: genesis.signature,
      time: datedAt(genesis.createdAt),
      permission: AuthorityPermission.CREATE_AGENTS,
    }
  if (chainStateSignature !== undefined)
    yield {
      field: "chain.chain_state_signature",
      signature: signatures.chainState(),
      text: chainStateSignature,
      time: stateTime(chain),
    }
  for (const [index, capability] of chain.capabilities.entries())
    yield {
      field: `chain.capabilities[${index}].signature`,
      signature: signatures.capability(capability),
      text: capability.signature,
      time: datedAt(capability.attestedAt),
      permission: AuthorityPermission.GRANT_CAPABILITIES,
    }
  for (const [index, delegation] of chain.delegations.entries()) {
    const path = `chain.delegations[${index}]`
    yield {
      field: `${path}.signature`,
      signature: signatures.delegation(delegation),
      text: delegation.signature,
      time: datedAt(delegation.delegatedAt),
      permission: AuthorityPermission.DELEGATE_TRUST,
    }
    yield* reasoningField(delegation, path, delegation.delegatedAt, signatures)
  }
  for (const [index, anchor] of chain.auditAnchors.entries()) {
    const path = `chain.audit_anchors[${index}]`
    const { signature: text, timestamp } = anchor
    yield { field: `${path}.signature`, signature: signatures.anchor(anchor), text, time: datedAt(timestamp) }
    yield* reasoningField(anchor, path, timestamp, signatures)
  }
}

function* reasoningField(
  record: DelegationRecord | AuditAnchor,
  path: string,
  date: string,
  signatures: ChainSignatures,
): Iterable<SignedField> {
  if (record.reasoningTrace === undefined) return
  const text = record.reasoningSignature ?? ""
  yield {
    field: `${path}.reasoning_signature`,
    signature: signatures.reasoning(record),
    text,
    time: datedAt(date),
  }
}
