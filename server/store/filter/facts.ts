import type { Fragment, Sql } from "../database/sql.js"

/**
 * What filters ask about a document, as SQL expressions over its JSONB. Lists and watches share them, so that they find the same
 * chains; the indexes are built on these very expressions.
 */
export const capabilitiesOf = (sql: Sql, data: Fragment): Fragment =>
  sql`jsonb_path_query_array(${data}, '$.capabilities[*].capability')`

/** The types of a document's capabilities, as a JSONB array of enum names. */
export const capabilityTypesOf = (sql: Sql, data: Fragment): Fragment =>
  sql`jsonb_path_query_array(${data}, '$.capabilities[*].capability_type')`

/** The direct delegators of a document, as a JSONB array of agent ids. */
export const delegatorsOf = (sql: Sql, data: Fragment): Fragment =>
  sql`jsonb_path_query_array(${data}, '$.delegations[*].delegator_id')`

/** The metadata of a document as JSONB; null if it has none, or none that JSONB can hold. */
export const metadataOf = (sql: Sql, data: Fragment): Fragment => sql`trust_chain_metadata(${data})`

/** The columns `facts` and `metadata` of a query that reads what filters ask for. */
export interface FactColumns {
  /** Null if there is no document, or if facts were not asked for. */
  facts: { capabilities: unknown[]; types: unknown[]; delegators: unknown[] } | null
  /** The metadata as the signed text; null if there is none, or none that JSONB can hold. */
  metadata: string | null
}

/** The value of {@link FactColumns.facts} for a document. */
export function factsColumn(sql: Sql, data: Fragment): Fragment {
  return sql`case when ${data} is not null then jsonb_build_object(
    'capabilities', ${capabilitiesOf(sql, data)}, 'types', ${capabilityTypesOf(sql, data)},
    'delegators', ${delegatorsOf(sql, data)}) end`
}

/** The value of {@link FactColumns.metadata} for a document. */
export function metadataColumn(sql: Sql, data: Fragment): Fragment {
  return sql`case when ${metadataOf(sql, data)} is not null then ${data} #>> '{genesis,metadata_json}' end`
}
