import { CapabilityTypeSchema, type ChainFilter } from "@trust-registry/proto"
import type { Fragment, Sql } from "../database/sql.js"
import { microsOf } from "../rows/micros.js"
import { capabilitiesOf, capabilityTypesOf, delegatorsOf, metadataOf } from "./facts.js"

/** A filter as SQL, with only the conditions that the filter sets. */
export interface Conditions {
  /** Conditions on `trust_chains c`, for a `where` clause. */
  where: Fragment
  /** Whether some conditions use an index that does not return rows in the order of agent_id. */
  unordered: boolean
}

/** The conditions of a filter at a time in microseconds since 1970. */
export function conditionsOf(sql: Sql, filter: ChainFilter | undefined, now: bigint): Conditions {
  const unordered = [...documentConditions(sql, filter), ...expiryConditions(sql, filter, now)]
  return {
    where: all(sql, [...plainConditions(sql, filter, now), ...unordered]),
    unordered: unordered.length > 0,
  }
}

function plainConditions(sql: Sql, filter: ChainFilter | undefined, now: bigint): Fragment[] {
  const plain: Fragment[] = []
  if (!filter?.includeInactive)
    plain.push(sql`c.is_active and (c.expires_at is null or c.expires_at >= ${sql.typed.timestamptz(now)})
      and (c.revokes_at is null or c.revokes_at > ${sql.typed.timestamptz(now)})`)
  if (filter?.authorityId) plain.push(sql`c.authority_id = ${filter.authorityId}`)
  if (filter?.agentIdPrefix) {
    plain.push(sql`c.agent_id >= ${filter.agentIdPrefix}`)
    const end = endOfPrefix(filter.agentIdPrefix)
    if (end) plain.push(sql`c.agent_id < ${end}`)
  }
  return plain
}

function documentConditions(sql: Sql, filter: ChainFilter | undefined): Fragment[] {
  const data = sql`c.chain_data`
  const conditions: Fragment[] = []
  if (filter?.capability) conditions.push(sql`${capabilitiesOf(sql, data)} ? ${filter.capability}`)
  if (filter?.capabilityType) {
    const name = CapabilityTypeSchema.value[filter.capabilityType]?.name ?? ""
    conditions.push(sql`${capabilityTypesOf(sql, data)} ? ${name}`)
  }
  if (filter?.delegatorId) conditions.push(sql`${delegatorsOf(sql, data)} ? ${filter.delegatorId}`)
  if (filter?.metadataContainsJson)
    conditions.push(sql`${metadataOf(sql, data)} @> ${filter.metadataContainsJson}::text::jsonb`)
  return conditions
}

/**
 * Always a range. For a lone `<` with an unknown value the planner expects a third of the table and reads all of it; for a range
 * it expects half a percent.
 */
function expiryConditions(sql: Sql, filter: ChainFilter | undefined, now: bigint): Fragment[] {
  if (!filter?.expiresBefore) return []
  const from = filter.includeInactive ? sql`'-infinity'` : sql`${sql.typed.timestamptz(now)}`
  const before = sql.typed.timestamptz(microsOf(filter.expiresBefore))
  return [sql`c.expires_at >= ${from} and c.expires_at < ${before}`]
}

/** The conditions joined by `and`; `true` if there are none. */
function all(sql: Sql, conditions: Fragment[]): Fragment {
  return conditions.reduce((left, right) => sql`${left} and ${right}`, sql`true`)
}

/**
 * The least text greater than every text with the prefix, in the order of UTF-8 bytes; undefined if there is none. U+D800 to
 * U+DFFF are surrogates, which no text can end in, so U+E000 follows U+D7FF.
 */
function endOfPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) as number)
  while (points.at(-1) === 0x10ffff) points.pop()
  const last = points.pop()
  if (last === undefined) return undefined
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
}
