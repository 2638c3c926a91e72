import type { JsonValue, MessageInitShape } from "@bufbuild/protobuf"
import {
  chainHash,
  constraintHash,
  contentHash,
  contentJson,
  effectiveExpiry,
  inTurns,
  nextTurn,
  type ShapeLimits,
  shapeSteps,
} from "@trust-registry/eatp"
import {
  encodedLength,
  IntegrityCheck,
  type IntegrityFinding,
  type TrustLineageChain,
  TrustLineageChainSchema,
  type TrustStoreService,
  type VerifyChainIntegrityResponseSchema,
} from "@trust-registry/proto"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { ChainWithHistory } from "../../store/chains/chains.js"
import { type ChainRow, documentOf, recordOf } from "../../store/rows/chainRows.js"
import type { Store } from "../../store/store.js"
import { assureAgentId } from "../request/fields.js"
import { type Difference, differences } from "./differences.js"
import { notFound } from "./outcomes.js"

type Finding = Omit<IntegrityFinding, "$typeName" | "$unknown">
type History = Omit<ChainWithHistory, "row">

/** Most findings listed by one check. */
const MAX_FINDINGS = 16

/** What a check holds, in documents: three as they are read, and their text. */
const WORK_DOCUMENTS = 6

/** The handler of VerifyChainIntegrity. */
export function createIntegrityCheck(
  store: Store,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext>["verifyChainIntegrity"] {
  return async ({ agentId }, context) => {
    assureAgentId(agentId, limits)
    await context.hold(WORK_DOCUMENTS * limits.maxChainBytes)
    return await verifyIntegrity(store, agentId, limits)
  }
}

/** Compares a stored row with itself, with its document, and with history. */
async function verifyIntegrity(
  store: Store,
  agentId: string,
  limits: ShapeLimits,
): Promise<MessageInitShape<typeof VerifyChainIntegrityResponseSchema>> {
  const { row, ...history } = await store.chains.withHistory(agentId)
  if (!row) throw notFound(agentId)
  const findings = [...(await documentChecks(row, history, limits)), ...historyChecks(row, history)]
  return { verified: findings.every(({ passed }) => passed), record: recordOf(row), findings }
}

async function documentChecks(row: ChainRow, history: History, limits: ShapeLimits): Promise<Finding[]> {
  let chain: TrustLineageChain
  try {
    chain = documentOf(row)
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    const changed = changesSince(history.written, row.chain_data)
    return findings(IntegrityCheck.DOCUMENT, changed, { detail: `the document does not parse: ${detail}` })
  }
  await nextTurn()
  const shape = await shapeChecks(chain, limits)
  await nextTurn()
  return [
    passed(IntegrityCheck.DOCUMENT),
    ...shape,
    compared(IntegrityCheck.AGENT_ID, chain.genesis?.agentId ?? "", row.agent_id, "chain.genesis.agent_id"),
    compared(
      IntegrityCheck.AUTHORITY_ID,
      chain.genesis?.authorityId ?? "",
      row.authority_id,
      "chain.genesis.authority_id",
    ),
    computed(IntegrityCheck.CHAIN_HASH, () => chainHash(chain), row.chain_hash, ""),
    ...contentChecks(chain, row, history),
    constraintCheck(chain),
    expiryCheck(chain, row),
  ]
}

async function shapeChecks(chain: TrustLineageChain, limits: ShapeLimits): Promise<Finding[]> {
  const bytes = encodedLength(TrustLineageChainSchema, chain)
  const violations = await inTurns(shapeSteps(chain, limits, undefined, bytes))
  if (violations.length === 0) return [passed(IntegrityCheck.SHAPE)]
  return violations
    .slice(0, MAX_FINDINGS)
    .map(({ field, description }) => failed(IntegrityCheck.SHAPE, field, description))
}

function contentChecks(chain: TrustLineageChain, row: ChainRow, history: History): Finding[] {
  const found = contentHash(chain)
  if (found === row.content_hash) return [passed(IntegrityCheck.CONTENT_HASH)]
  return findings(IntegrityCheck.CONTENT_HASH, changesSince(history.written, contentJson(chain)), {
    expected: row.content_hash,
    found,
    detail: "the document differs from the one that was written",
  })
}

function constraintCheck(chain: TrustLineageChain): Finding {
  const envelope = chain.constraintEnvelope
  const stored = envelope?.constraintHash ?? ""
  if (!envelope || stored === "") return passed(IntegrityCheck.CONSTRAINT_HASH)
  const path = "chain.constraint_envelope.constraint_hash"
  return computed(
    IntegrityCheck.CONSTRAINT_HASH,
    () => constraintHash(envelope.activeConstraints),
    stored,
    path,
  )
}

function expiryCheck(chain: TrustLineageChain, row: ChainRow): Finding {
  const own = effectiveExpiry(chain)
  if (own === undefined || (row.expires_at !== null && row.expires_at <= own))
    return passed(IntegrityCheck.EXPIRES_AT)
  return failed(IntegrityCheck.EXPIRES_AT, "", "the stored expiry is later than what the chain allows")
}

function historyChecks(row: ChainRow, { newest }: History): Finding[] {
  if (!newest) return [failed(IntegrityCheck.HISTORY, "", "history has no change of this chain")]
  const same = (
    ["revision", "content_hash", "chain_hash", "status", "authority_id", "expires_at"] as const
  ).filter((column) => newest[column] !== row[column])
  if (same.length === 0) return [passed(IntegrityCheck.HISTORY)]
  return same.map((column) =>
    compared(IntegrityCheck.HISTORY, String(newest[column]), String(row[column]), column),
  )
}

/** Where the document differs from the first one written under its content hash, if that one is still intact. */
function changesSince(written: JsonValue | undefined, found: JsonValue): Difference[] {
  if (written === undefined) return []
  try {
    return differences(written, found, "chain").slice(0, MAX_FINDINGS)
  } catch (error) {
    // A document edited by hand may nest too deep to compare.
    if (error instanceof RangeError) return []
    throw error
  }
}

function findings(check: IntegrityCheck, changed: Difference[], otherwise: Partial<Finding>): Finding[] {
  const whole = { ...failed(check, "", ""), ...otherwise }
  if (changed.length === 0) return [whole]
  return changed.map(({ path, expected, found }) => ({ ...whole, path, expected, found }))
}

function passed(check: IntegrityCheck): Finding {
  return { check, passed: true, expected: "", found: "", path: "", detail: "" }
}

function failed(check: IntegrityCheck, path: string, detail: string): Finding {
  return { check, passed: false, expected: "", found: "", path, detail }
}

/** A value that cannot be computed does not match; the SHAPE check names the invalid field. */
function computed(check: IntegrityCheck, compute: () => string, found: string, path: string): Finding {
  try {
    return compared(check, compute(), found, path)
  } catch (error) {
    return failed(
      check,
      path,
      `cannot be computed: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function compared(check: IntegrityCheck, expected: string, found: string, path: string): Finding {
  return { check, passed: expected === found, expected, found, path, detail: "" }
}
