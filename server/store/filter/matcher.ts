import { inTurns, type Json } from "@trust-registry/eatp"
import { CapabilityTypeSchema, type ChainFilter } from "@trust-registry/proto"
import { microsOf } from "../rows/micros.js"
import { containsSteps } from "./jsonContains.js"

/** A chain after a change, as much of it as filters ask for. */
export interface ChainState {
  agent_id: string
  authority_id: string
  is_active: boolean
  /** The effective expiry, in microseconds since 1970. */
  expires_at: bigint | null
  /** What the document says; null if it was purged, or not asked for. */
  facts: Facts | null
}

/** What filters ask about a document, read by the same expressions as in lists; see facts.ts. */
export interface Facts {
  capabilities: unknown[]
  types: unknown[]
  delegators: unknown[]
  /** The metadata; undefined if there is none, or none that JSONB can hold. */
  metadata(): Promise<Json | undefined> | Json | undefined
}

/** A filter that tests single changes. */
export interface Matcher {
  /** Whether it needs the facts of documents. */
  readonly needsFacts: boolean
  /**
   * Whether the chain matches; undefined if only a document that was purged could tell. A promise where metadata has to be looked at,
   * which is done in turns.
   */
  matches(state: ChainState): Promise<boolean> | boolean | undefined
}

/**
 * The filter as lists apply it, except for times: neither the expiry of a chain nor the moment at which a graceful revocation takes
 * effect is a change, so watchers apply the times in the record themselves.
 *
 * @param metadata the filter's metadata_contains_json, parsed
 */
export function matcherOf(filter: ChainFilter | undefined, metadata: Json | undefined): Matcher {
  const plain = plainTests(filter)
  const inFacts = factTests(filter)
  const needsFacts = inFacts.length > 0 || metadata !== undefined
  return {
    needsFacts,
    matches(state) {
      if (!plain.every((test) => test(state))) return false
      if (!needsFacts) return true
      const { facts } = state
      if (facts === null) return undefined
      if (!inFacts.every((test) => test(facts))) return false
      return metadata === undefined || hasMetadata(facts, metadata)
    },
  }
}

async function hasMetadata(facts: Facts, metadata: Json): Promise<boolean> {
  const whole = await facts.metadata()
  return whole !== undefined && (await inTurns(containsSteps(whole, metadata)))
}

function plainTests(filter: ChainFilter | undefined) {
  const tests: ((state: ChainState) => boolean)[] = []
  const { authorityId, agentIdPrefix, expiresBefore, includeInactive } = filter ?? {}
  if (!includeInactive) tests.push((chain) => chain.is_active)
  if (authorityId) tests.push((chain) => chain.authority_id === authorityId)
  if (agentIdPrefix) tests.push((chain) => chain.agent_id.startsWith(agentIdPrefix))
  if (expiresBefore) {
    const before = microsOf(expiresBefore)
    tests.push(({ expires_at }) => expires_at !== null && expires_at < before)
  }
  return tests
}

function factTests(filter: ChainFilter | undefined) {
  const tests: ((facts: Facts) => boolean)[] = []
  const { capability, capabilityType, delegatorId } = filter ?? {}
  if (capability) tests.push((facts) => facts.capabilities.includes(capability))
  if (capabilityType) {
    const name = CapabilityTypeSchema.value[capabilityType]?.name ?? ""
    tests.push((facts) => facts.types.includes(name))
  }
  if (delegatorId) tests.push((facts) => facts.delegators.includes(delegatorId))
  return tests
}
