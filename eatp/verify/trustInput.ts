import type { TrustLineageChain } from "@trust-registry/proto"
import type { JsonObject } from "../json/json.js"
import type { SignedLedger } from "../revocation/signedLedger.js"
import type { TrustAuthority } from "./authorityKeys.js"

/** How thoroughly trust is verified: QUICK checks expiry and revocation, STANDARD also the action, FULL every record. */
export type TrustLevel = "quick" | "standard" | "full"

/** The question whether an agent may do something now. */
export type TrustRequest = {
  agentId: string
  action: string
  /** The resource of the action, for scopes that name resources; EATP's own constraints ignore it. */
  resource?: string | undefined
  level: TrustLevel
  /** The context for constraints: `current_time` (a time as text), `contains_pii`, numbers and texts that rules compare. */
  context?: JsonObject | undefined
  /** Constraints that the caller promises to enforce: names, whole texts, or how texts begin with `*` behind. */
  heeds?: readonly string[] | undefined
  /** Deny if a constraint applies that neither a rule nor the caller enforces. checkAuthority always does. */
  denyUnenforced?: boolean | undefined
}

/** A chain and whether it is in force; deleted, suspended and revoked chains are not. */
export type StoredTrust = {
  chain: TrustLineageChain
  active: boolean
  /** Why it is not in force, for people: `deleted`, `suspended`, `revoked` or `expired`. */
  status?: string | undefined
}

/** What the registry has revoked in one chain. */
export type AgentRevocations = {
  /** Whether the agent itself is revoked, directly or by a cascade. */
  agent?: boolean
  /** Ids of revoked delegations; as in EATP's ledger, one is enough to deny the agent. */
  delegations?: ReadonlySet<string>
  /** Ids of revoked capabilities, which no longer cover any action. */
  capabilities?: ReadonlySet<string>
}

/** A lookup by id, such as a Map. */
export type Lookup<Found> = { get(id: string): Found | undefined }

/** Everything that a verdict depends on. */
export type TrustInput = {
  request: TrustRequest
  /** The time for which to answer, in microseconds since 1970 UTC. */
  nowMicros: bigint
  /** The agent's chain and those of its delegators. FULL needs every direct delegator's; all levels check the known ones. */
  chains: Lookup<StoredTrust>
  /** Every authority that a record names, inactive ones too. */
  authorities: Lookup<TrustAuthority>
  /** What the registry has revoked, by agent id. */
  revocations?: Lookup<AgentRevocations>
  /** EATP's signed revocation ledger, if there is one; if it cannot be verified, everything is denied. */
  ledger?: SignedLedger
  /** When a signature of a chain was first stored, in microseconds since 1970 UTC; needed for compromised keys. */
  firstStored?: ((agentId: string, signature: string) => bigint | undefined) | undefined
  options?: TrustOptions
}

/** Where verification is laxer than EATP, while old chains are migrated, or stricter. All are off by default. */
export type TrustOptions = {
  /** Accept a chain without a chain-state signature. */
  allowUnsignedChainState?: boolean
  /** Accept capabilities whose signature does not cover the holder. */
  allowUnboundLegacyCapabilities?: boolean
  /** Deny a chain at QUICK whose genesis authority is not known. A registry, which knows its authorities, does. */
  quickNeedsAuthority?: boolean
}
