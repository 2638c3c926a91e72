import type { ConstraintDimensions, DelegationScope, ResourceLimits } from "@trust-registry/proto"
import { JsonNumber, JsonObject } from "../json/json.js"

/** A delegation's `constraints` as the engines sign them: eight keys, always. */
export function constraintsField(constraints: ConstraintDimensions): JsonObject {
  return new JsonObject([
    ["allow_code_execution", constraints.allowCodeExecution],
    ["allow_delegation", constraints.allowDelegation],
    ["allow_filesystem", constraints.allowFilesystem],
    ["allow_network", constraints.allowNetwork],
    ["allow_state_mutation", constraints.allowStateMutation],
    ["allowed_tools", constraints.allowedTools?.names ?? null],
    ["max_context_tokens", integer(constraints.maxContextTokens)],
    ["reasoning_required", constraints.reasoningRequired],
  ])
}

/** A delegation's `resource_limits` as the engines sign them. */
export function resourceLimitsField(limits: ResourceLimits): JsonObject {
  return new JsonObject([
    ["max_execution_secs", integer(limits.maxExecutionSecs)],
    ["max_llm_calls", integer(limits.maxLlmCalls)],
    ["max_tool_calls", integer(limits.maxToolCalls)],
    ["max_total_tokens", integer(limits.maxTotalTokens)],
  ])
}

/** A delegation's `scope` as the engines sign it; the order of operations matters. */
export function scopeField(scope: DelegationScope): JsonObject {
  const cents = scope.maxFinancialCents
  return new JsonObject([
    ["domain", scope.domain],
    ["max_financial_cents", cents === undefined ? null : integer(cents)],
    ["operations", scope.operations],
  ])
}

function integer(value: bigint): JsonNumber {
  return new JsonNumber(String(value))
}
