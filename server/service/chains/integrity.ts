import type { JsonValue, MessageInitShape } from "@bufbuild/protobuf"
import {
  chainHash,
  checkShape,
  constraintHash,
  contentHash,
  contentJson,
  effectiveExpiry,
  type ShapeLimits,
} from "@trust-registry/eatp"
import type {
  IntegrityCheck,
  TrustLineageChain,
  VerifyChainIntegrityResponseSchema,
} from "@trust-registry/proto"
import type { ChainWithHistory } from "../../store/chains/chains.js"
import { type ChainRow, chainOf, recordOf } from "../../store/rows/chainRows.js"
import type { Store } from "../../store/store.js"
import { type Difference, differences } from "./differences.js"
import { notFound } from "./outcomes.js"

type Check = Omit<IntegrityCheck, "$typeName" | "$unknown">
type History = Omit<ChainWithHistory, "row">

/** Most findings that one check lists. */
const MAX_FINDINGS = 16

/** Compares a stored row with itself, with what its document says, and with what the history says was written. */
export async function verifyIntegrity(
  store: Store,
  agentId: string,
  limits: ShapeLimits,
): Promise<MessageInitShape<typeof VerifyChainIntegrityResponseSchema>> {
  const { row, ...history } = await store.chains.withHistory(agentId)
  if (!row) throw notFound(agentId)
  const checks = [...documentChecks(row, history, limits), ...historyChecks(row, history)]
  return { verified: checks.every(({ passed }) => passed), record: recordOf(row), checks }
}

function documentChecks(row: ChainRow, history: History, limits: ShapeLimits): Check[] {
  let chain: TrustLineageChain
  try {
    chain = chainOf(row)
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    const changed = changesSince(history.written, row.chain_data)
    return findings("document", changed, { detail: `the document does not parse: ${detail}` })
  }
  return [
    passed("document"),
    ...shapeChecks(chain, limits),
    compared("agent_id", chain.genesis?.agentId ?? "", row.agent_id, "chain.genesis.agent_id"),
    compared(
      "authority_id",
      chain.genesis?.authorityId ?? "",
      row.authority_id,
      "chain.genesis.authority_id",
    ),
    computed("chain_hash", () => chainHash(chain), row.chain_hash, ""),
    ...contentChecks(chain, row, history),
    constraintCheck(chain),
    expiryCheck(chain, row),
  ]
}

function shapeChecks(chain: TrustLineageChain, limits: ShapeLimits): Check[] {
  const violations = checkShape(chain, limits)
  if (violations.length === 0) return [passed("shape")]
  return violations
    .slice(0, MAX_FINDINGS)
    .map(({ field, description }) => failed("shape", field, description))
}

function contentChecks(chain: TrustLineageChain, row: ChainRow, history: History): Check[] {
  const found = contentHash(chain)
  if (found === row.content_hash) return [passed("content_hash")]
  return findings("content_hash", changesSince(history.written, contentJson(chain)), {
    expected: row.content_hash,
    found,
    detail: "the document is not the one that was written",
  })
}

function constraintCheck(chain: TrustLineageChain): Check {
  const envelope = chain.constraintEnvelope
  const stored = envelope?.constraintHash ?? ""
  if (!envelope || stored === "") return passed("constraint_hash")
  const path = "chain.constraint_envelope.constraint_hash"
  return computed("constraint_hash", () => constraintHash(envelope.activeConstraints), stored, path)
}

function expiryCheck(chain: TrustLineageChain, row: ChainRow): Check {
  const own = effectiveExpiry(chain)
  if (own === undefined || (row.expires_at !== null && row.expires_at <= own)) return passed("expires_at")
  return failed("expires_at", "", "the stored expiry is later than what the chain allows")
}

function historyChecks(row: ChainRow, { newest }: History): Check[] {
  if (!newest) return [failed("history", "", "the history does not tell of this chain")]
  const same = (
    ["revision", "content_hash", "chain_hash", "status", "authority_id", "expires_at"] as const
  ).filter((column) => newest[column] !== row[column])
  if (same.length === 0) return [passed("history")]
  return same.map((column) => compared("history", String(newest[column]), String(row[column]), column))
}

/** Where the document differs from the first one written under its content hash, when that one is still sound. */
function changesSince(written: JsonValue | undefined, found: JsonValue): Difference[] {
  if (written === undefined) return []
  try {
    return differences(written, found, "chain").slice(0, MAX_FINDINGS)
  } catch (error) {
    // A document made by hand may nest deeper than can be told.
    if (error instanceof RangeError) return []
    throw error
  }
}

function findings(name: string, changed: Difference[], otherwise: Partial<Check>): Check[] {
  const whole = { ...failed(name, "", ""), ...otherwise }
  if (changed.length === 0) return [whole]
  return changed.map(({ path, expected, found }) => ({ ...whole, path, expected, found }))
}

function passed(name: string): Check {
  return { name, passed: true, expected: "", found: "", path: "", detail: "" }
}

function failed(name: string, path: string, detail: string): Check {
  return { name, passed: false, expected: "", found: "", path, detail }
}

/** What cannot be computed is no match: the `shape` check tells which field is at fault. */
function computed(name: string, compute: () => string, found: string, path: string): Check {
  try {
    return compared(name, compute(), found, path)
  } catch (error) {
    return failed(name, path, `cannot be computed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function compared(name: string, expected: string, found: string, path: string): Check {
  return { name, passed: expected === found, expected, found, path, detail: "" }
}
