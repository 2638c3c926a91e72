import { CapabilityTypeSchema, type ChainFilter } from "@trust-registry/proto"
import type { Fragment, Sql } from "../database/sql.js"
import { microsOf } from "./rows.js"

/** What a filter asks, as pieces of a query: a condition is there only when it is asked for. */
export interface Conditions {
  /** Conditions on `trust_chains c`, for `where`. */
  where: Fragment
  /** Whether some are answered by an index that does not keep the order of agent_id. */
  unordered: boolean
}

/** The conditions of a filter at a moment, in microseconds since 1970. */
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
  const found: Fragment[] = []
  if (filter?.capability) {
    found.push(
      sql`jsonb_path_query_array(c.chain_data, '$.capabilities[*].capability') ? ${filter.capability}`,
    )
  }
  if (filter?.capabilityType) {
    const name = CapabilityTypeSchema.value[filter.capabilityType]?.name ?? ""
    found.push(sql`jsonb_path_query_array(c.chain_data, '$.capabilities[*].capability_type') ? ${name}`)
  }
  if (filter?.delegatorId) {
    found.push(
      sql`jsonb_path_query_array(c.chain_data, '$.delegations[*].delegator_id') ? ${filter.delegatorId}`,
    )
  }
  if (filter?.metadataContainsJson) {
    found.push(sql`trust_chain_metadata(c.chain_data) @> ${filter.metadataContainsJson}::text::jsonb`)
  }
  return found
}

/**
 * Always a range: of a lone `<` with an unknown moment the planner expects a third of the table, and reads all of it;
 * of a range it expects a two-hundredth.
 */
function expiryConditions(sql: Sql, filter: ChainFilter | undefined, now: bigint): Fragment[] {
  if (!filter?.expiresBefore) return []
  const from = filter.includeInactive ? sql`'-infinity'` : sql`${sql.typed.timestamptz(now)}`
  const before = sql.typed.timestamptz(microsOf(filter.expiresBefore))
  return [sql`c.expires_at >= ${from} and c.expires_at < ${before}`]
}

/** The conditions joined by `and`; `true` where there are none. */
function all(sql: Sql, conditions: Fragment[]): Fragment {
  return conditions.reduce((left, right) => sql`${left} and ${right}`, sql`true`)
}

/** The least text above all that begin with the prefix, in the order of UTF-8 bytes; nothing above U+10FFFF. */
function endOfPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) as number)
  while (points.at(-1) === 0x10ffff) points.pop()
  const last = points.pop()
  if (last === undefined) return undefined
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
}
