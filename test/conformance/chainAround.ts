import { type Json, JsonObject } from "@trust-registry/eatp"

/** A chain's document with next to nothing in it, and what is given. */
export function chainAround(parts: Record<string, Json>): JsonObject {
  const genesis = new JsonObject([
    ["id", "genesis"],
    ["agent_id", "agent"],
    ["authority_id", "authority"],
    ["authority_type", "system"],
    ["created_at", "2026-01-01T00:00:00+00:00"],
  ])
  return new JsonObject([["genesis", genesis], ...Object.entries(parts)])
}
