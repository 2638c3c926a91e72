import type { TrustLineageChain } from "@trust-registry/proto"
import type { JsonObject } from "../json/json.js"
import type { SignedLedger } from "../revocation/signedLedger.js"
import type { TrustAuthority } from "./authorityKeys.js"

/**
 * How thoroughly trust is verified: QUICK looks at expiry and revocation, STANDARD at the action too, FULL at
 * every record.
 */
export type TrustLevel = "quick" | "standard" | "full"

/** May this agent do this now? */
export type TrustRequest = {
  agentId: string
  action: string
  /** What it would be done to; EATP's own constraints do not look at it. */
  resource?: string | undefined
  level: TrustLevel
  /** What constraints may look at: `current_time` (a time's text), `contains_pii`. */
  context?: JsonObject | undefined
}

/** A chain, and whether it is in force: soft-deleted and revoked ones are not. */
export type StoredTrust = { chain: TrustLineageChain; active: boolean }

/** What the registry revoked in one chain. */
export type AgentRevocations = {
  /** The agent itself, by name or by descent. */
  agent?: boolean
  /** Ids of delegations: as in EATP's ledger, one of them denies the agent. */
  delegations?: ReadonlySet<string>
  /** Ids of capabilities: they cover no action any more. */
  capabilities?: ReadonlySet<string>
}

/** Something that finds by id; a Map is one. */
export type Lookup<Found> = { get(id: string): Found | undefined }

/** Everything that a verdict depends on. */
export type TrustInput = {
  request: TrustRequest
  /** The moment for which to answer, in microseconds since 1970 UTC. */
  nowMicros: bigint
  /**
   * The agent's chain, and those of who delegated to it: FULL needs each delegator's, all levels look at those
   * that are here.
   */
  chains: Lookup<StoredTrust>
  /** Every authority that a record names, inactive ones too. */
  authorities: Lookup<TrustAuthority>
  /** What the registry revoked, by agent id. */
  revocations?: Lookup<AgentRevocations>
  /** EATP's signed revocation ledger, if there is one: if it does not hold, everything is denied. */
  ledger?: SignedLedger
  /**
   * When a signature of a chain was first stored, for keys that were compromised; microseconds since 1970
   * UTC.
   */
  firstStored?: ((agentId: string, signature: string) => bigint | undefined) | undefined
  options?: TrustOptions
}

/** What EATP allows while old chains are migrated; both are off unless told. */
export type TrustOptions = {
  /** Accept a chain without chain-state signature. */
  allowUnsignedChainState?: boolean
  /** Accept capabilities whose signature names no holder. */
  allowUnboundLegacyCapabilities?: boolean
}
