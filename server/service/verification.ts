import type { MessageInitShape } from "@bufbuild/protobuf"
import {
  type AgentRevocations,
  type DenialReason as EatpDenialReason,
  effectiveExpiry,
  JsonObject,
  jsonProblem,
  parseJson,
  type ShapeLimits,
  type TrustLevel,
  type TrustVerdict,
  verifyTrust,
} from "@trust-registry/eatp"
import {
  DenialReason,
  type Handlers,
  type TrustVerificationService,
  TrustViolationSeverity,
  VerificationLevel,
  type VerifyTrustRequest,
  type VerifyTrustResponseSchema,
} from "@trust-registry/proto"
import { invalidRequest } from "../errors.js"
import type { RpcContext } from "../rpc/context.js"
import { timestampOf } from "../store/rows.js"
import { isActive, revocationsOf, type ServedChain } from "../store/servedChain.js"
import type { Store } from "../store/store.js"
import type { TrustReader } from "../store/trustReader.js"
import { assureAgentId, assureText } from "./fields.js"
import { lineageProblem } from "./lineageProblem.js"
import { type KnownSigners, signersOf } from "./signers.js"
import { type Standpoint, standpointOf } from "./standpoint.js"

type Response = MessageInitShape<typeof VerifyTrustResponseSchema>

/** Longest action and resource, in bytes of UTF-8. */
const MAX_TEXT_BYTES = 4_096

/** Handlers of TrustVerificationService over a store. */
export function createVerificationHandlers(
  store: Store,
  limits: ShapeLimits,
): Handlers<typeof TrustVerificationService, RpcContext> {
  return {
    verifyTrust: async (request) => {
      assureAgentId(request.agentId, limits)
      assureText("action", request.action, MAX_TEXT_BYTES)
      assureText("resource", request.resource, MAX_TEXT_BYTES)
      const level = levelOf(request.level)
      const context = contextOf(request, limits)
      const standpoint = await standpointOf(store, request.consistency)
      const stored = await standpoint.reader.getChain(request.agentId)
      const verdict = await verdictOf(standpoint, stored, { ...request, level, context })
      return responseOf(verdict, stored, standpoint.nowMicros)
    },
  }
}

type Asked = Pick<VerifyTrustRequest, "agentId" | "action" | "resource"> & {
  level: TrustLevel
  context: JsonObject | undefined
}

async function verdictOf({ reader, nowMicros }: Standpoint, stored: ServedChain | null, request: Asked) {
  if (!stored) return await verifyTrust({ request, nowMicros, chains: new Map(), authorities: new Map() })
  const chain = stored.chain()
  const nowMs = Number(nowMicros) / 1000
  if (registrationExpired(stored, nowMicros, nowMs))
    return deniedVerdict(request.level, "TRUST_CHAIN_EXPIRED", "Trust chain expired")
  const signers = await signersOf(reader, chain, nowMs)
  const { delegators, authorities } = signers
  const misplaced = lineageProblem(chain, signers)
  if (misplaced !== undefined)
    return deniedVerdict(request.level, "EVALUATION_FAILED", `The delegations ${misplaced}`)
  // One that is revoked is denied for that, and not as if it were not there.
  const own = { chain, active: stored.status !== "deleted" }
  const chains = { get: (id: string) => (id === request.agentId ? own : delegators.get(id)) }
  const revocations = await allRevocations(reader, signers)
  revocations.set(request.agentId, revocationsOf(stored, nowMs))
  const { firstStored } = signers
  return await verifyTrust({ request, nowMicros, chains, authorities, revocations, firstStored })
}

/** A delegator whose chain was removed for good must not lend again: softly deleted, it already did not. */
async function allRevocations(reader: TrustReader, { revocations, missing }: KnownSigners) {
  const gone = missing.length === 0 ? [] : await reader.goneAgents(missing)
  return new Map<string, AgentRevocations>([
    ...revocations,
    ...Array.from(gone, (id) => [id, { agent: true }] as const),
  ])
}

/** Earlier than the chain itself says: EATP does not know of it. */
function registrationExpired(stored: ServedChain, nowMicros: bigint, nowMs: number): boolean {
  if (!isActive(stored, nowMs) || nowMs <= stored.expiresAtMs) return false
  const own = effectiveExpiry(stored.chain())
  return own === undefined || nowMicros <= own
}

/** What EATP's rules are not asked for. */
function deniedVerdict(level: TrustLevel, reason: EatpDenialReason, reasonText: string): TrustVerdict {
  return { valid: false, level, reason, reasonText, effectiveConstraints: [], violations: [] }
}

const LEVELS: Record<TrustLevel, VerificationLevel> = {
  quick: VerificationLevel.QUICK,
  standard: VerificationLevel.STANDARD,
  full: VerificationLevel.FULL,
}

function levelOf(level: VerificationLevel): TrustLevel {
  switch (level) {
    case VerificationLevel.QUICK:
      return "quick"
    case VerificationLevel.UNSPECIFIED:
    case VerificationLevel.STANDARD:
      return "standard"
    case VerificationLevel.FULL:
      return "full"
    default:
      throw invalidRequest("level", `is ${level}, which is no VerificationLevel`)
  }
}

function contextOf({ contextJson }: VerifyTrustRequest, limits: ShapeLimits): JsonObject | undefined {
  if (contextJson === "") return undefined
  const problem = jsonProblem(contextJson, "context_json", limits.maxJsonDepth)
  if (problem) throw invalidRequest("context_json", problem)
  const context = parseJson(contextJson, { maxDepth: limits.maxJsonDepth })
  return context instanceof JsonObject ? context : undefined
}

function responseOf(verdict: TrustVerdict, stored: ServedChain | null, nowMicros: bigint): Response {
  const { level, reason, reasonText, violations, ...same } = verdict
  return {
    ...same,
    level: LEVELS[level],
    reason: reason === undefined ? DenialReason.UNSPECIFIED : DenialReason[reason],
    reasonText: reasonText ?? "",
    violations: violations.map(({ severity, ...violation }) => ({
      ...violation,
      severity: severity === "error" ? TrustViolationSeverity.ERROR : TrustViolationSeverity.WARNING,
    })),
    revision: stored?.revision ?? 0n,
    timeEvaluated: timestampOf(nowMicros),
  }
}
