import {
  type ConstraintDimension,
  ConstraintDimensionSchema,
  type ConstraintDimensions,
  type DelegationRecord,
  type DelegationScope,
  type ResourceLimits,
} from "@trust-registry/proto"
import { type Json, JsonNumber, JsonObject } from "../json/json.js"
import { pythonStr } from "../python/pythonStr.js"

/** One limit on what an agent may do, as rules look at it. */
export type Limit = {
  /** As people see it: a constraint as it stands, a member of an object or scope as `name=value`. */
  text: string
  /** What comes before `=` or `:`, lowercase; of a member of a scope with `scope.` before it. */
  name: string
  /** What comes behind; true if there is nothing. */
  value: Json
}

/** The limits of a constraint: a text is one, and so is each member of an object. Other values are limits that no rule knows. */
export function limitsOf(constraint: Json): Limit[] {
  if (typeof constraint === "string") return [limitOfText(constraint)]
  if (constraint instanceof JsonObject) return membersOf(constraint, "")
  const text = pythonStr(constraint)
  return [{ text, name: text, value: true }]
}

/** The limits of a capability's scope. A scope that is no object is one limit, named `scope`. */
export function scopeLimits(scope: Json): Limit[] {
  if (scope instanceof JsonObject) return membersOf(scope, SCOPE)
  return [{ text: `scope=${pythonStr(scope)}`, name: "scope", value: scope }]
}

/** The limits of a delegation beside its constraints: what its engine fields and its dimensions do not allow. */
export function delegationLimits({
  constraints,
  resourceLimits,
  scope,
  dimensionScope,
}: DelegationRecord): Limit[] {
  return [
    ...(constraints === undefined ? [] : dimensionLimits(constraints)),
    ...(resourceLimits === undefined ? [] : resourceLimitsOf(resourceLimits)),
    ...(scope === undefined ? [] : delegationScopeLimits(scope)),
    ...narrowedDimensions(dimensionScope),
  ]
}

const SCOPE = "scope."

function limitOfText(text: string): Limit {
  const at = text.search(/[=:]/)
  if (at === -1) return { text, name: text.trim().toLowerCase(), value: true }
  return { text, name: text.slice(0, at).trim().toLowerCase(), value: text.slice(at + 1).trim() }
}

function membersOf(object: JsonObject, prefix: string): Limit[] {
  return [...object].map(([key, value]) => limitNamed(`${prefix}${key.trim().toLowerCase()}`, value))
}

function limitNamed(name: string, value: Json): Limit {
  return { text: `${name}=${pythonStr(value)}`, name, value }
}

// Of what may be allowed, only what is not allowed limits anything.
function dimensionLimits(dimensions: ConstraintDimensions): Limit[] {
  const { allowedTools, maxContextTokens, reasoningRequired } = dimensions
  const allowed = Object.entries({
    allow_code_execution: dimensions.allowCodeExecution,
    allow_delegation: dimensions.allowDelegation,
    allow_filesystem: dimensions.allowFilesystem,
    allow_network: dimensions.allowNetwork,
    allow_state_mutation: dimensions.allowStateMutation,
  })
  return [
    ...allowed.filter(([, may]) => !may).map(([name]) => limitNamed(name, false)),
    ...(allowedTools === undefined ? [] : [limitNamed("allowed_tools", allowedTools.names)]),
    whole("max_context_tokens", maxContextTokens),
    ...(reasoningRequired ? [limitNamed("reasoning_required", true)] : []),
  ]
}

function resourceLimitsOf({
  maxExecutionSecs,
  maxLlmCalls,
  maxToolCalls,
  maxTotalTokens,
}: ResourceLimits): Limit[] {
  return [
    whole("max_execution_secs", maxExecutionSecs),
    whole("max_llm_calls", maxLlmCalls),
    whole("max_tool_calls", maxToolCalls),
    whole("max_total_tokens", maxTotalTokens),
  ]
}

function delegationScopeLimits({ domain, maxFinancialCents, operations }: DelegationScope): Limit[] {
  return [
    ...(domain === "" ? [] : [limitNamed(`${SCOPE}domain`, domain)]),
    ...(maxFinancialCents === undefined ? [] : [whole(`${SCOPE}max_financial_cents`, maxFinancialCents)]),
    // EATP does not say whether no operations are all or none.
    limitNamed(`${SCOPE}operations`, operations),
  ]
}

const DIMENSIONS = 5

function narrowedDimensions(scope: readonly ConstraintDimension[]): Limit[] {
  if (scope.length === 0 || new Set(scope).size === DIMENSIONS) return []
  const names = scope.map((dimension) => ConstraintDimensionSchema.value[dimension]?.localName.toLowerCase())
  return [
    limitNamed(
      "dimension_scope",
      names.map((name) => name ?? "unknown"),
    ),
  ]
}

function whole(name: string, limit: bigint): Limit {
  return limitNamed(name, new JsonNumber(String(limit)))
}
