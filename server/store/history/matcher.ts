import type { Json } from "@trust-registry/eatp"
import { CapabilityTypeSchema, type ChainFilter } from "@trust-registry/proto"
import { microsOf } from "../chains/rows.js"
import { jsonContains } from "./jsonContains.js"

/** A chain after a change, as far as a filter asks for it. */
export interface Standing {
  agent_id: string
  authority_id: string
  is_active: boolean
  /** The effective expiry, in microseconds since 1970. */
  expires_at: bigint | null
  /** What the document says; null where it is gone, or was not asked for. */
  facts: Facts | null
}

/** What filters ask of a document, found in it by the very expressions with which lists find it. */
export interface Facts {
  capabilities: unknown[]
  types: unknown[]
  delegators: unknown[]
  /** Undefined where it has none, or none that JSONB can hold. */
  metadata(): Json | undefined
}

/** A filter that is asked of single changes. */
export interface Matcher {
  /** Whether it looks into documents. */
  readonly needsFacts: boolean
  /** Whether the chain is among those that the filter means; undefined where that stood in a document that is gone. */
  matches(standing: Standing): boolean | undefined
}

/**
 * The filter as lists understand it, but for the clock: that a chain expires, or that its graceful revocation takes effect, is
 * no change, so both are left to who applies the times in its record.
 *
 * @param metadata the filter's metadata_contains_json
 */
export function matcherOf(filter: ChainFilter | undefined, metadata: Json | undefined): Matcher {
  const plain = plainTests(filter)
  const inFacts = factTests(filter, metadata)
  return {
    needsFacts: inFacts.length > 0,
    matches(standing) {
      if (!plain.every((test) => test(standing))) return false
      if (inFacts.length === 0) return true
      const { facts } = standing
      return facts ? inFacts.every((test) => test(facts)) : undefined
    },
  }
}

function plainTests(filter: ChainFilter | undefined) {
  const tests: ((standing: Standing) => boolean)[] = []
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

function factTests(filter: ChainFilter | undefined, metadata: Json | undefined) {
  const tests: ((facts: Facts) => boolean)[] = []
  const { capability, capabilityType, delegatorId } = filter ?? {}
  if (capability) tests.push((facts) => facts.capabilities.includes(capability))
  if (capabilityType) {
    const name = CapabilityTypeSchema.value[capabilityType]?.name ?? ""
    tests.push((facts) => facts.types.includes(name))
  }
  if (delegatorId) tests.push((facts) => facts.delegators.includes(delegatorId))
  if (metadata !== undefined)
    tests.push((facts) => {
      const whole = facts.metadata()
      return whole !== undefined && jsonContains(whole, metadata)
    })
  return tests
}
