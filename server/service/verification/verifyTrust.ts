import type { MessageInitShape } from "@bufbuild/protobuf"
import {
  type JsonObject,
  nextTurn,
  type TrustLevel,
  type TrustVerdict,
  verifyTrust,
} from "@trust-registry/eatp"
import {
  DenialReason,
  type TrustVerificationService,
  TrustViolationSeverity,
  VerificationLevel,
  type VerifyTrustRequest,
  type VerifyTrustResponseSchema,
} from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { timestampOf } from "../../store/rows/micros.js"
import type { ServedChain } from "../../store/rows/servedChain.js"
import type { Store } from "../../store/store.js"
import { requirementOf } from "../request/consistency.js"
import { sourceOf } from "../request/readSnapshot.js"
import type { Evidence } from "./evidence.js"
import { createJudgeEvidence } from "./sharedEvidence.js"
import { assureQuestion, contextOf, type QuestionRules } from "./trustQuestion.js"

type Response = MessageInitShape<typeof VerifyTrustResponseSchema>

/** So many constraints take a turn to encode. */
const MANY = 5_000

/** The handler of VerifyTrust. */
export function createVerifyTrust(
  store: Store,
  rules: QuestionRules,
): Handlers<typeof TrustVerificationService, RpcContext>["verifyTrust"] {
  const judgeEvidence = createJudgeEvidence(store, { reach: "direct", maxRecordAgeMs: rules.maxRecordAgeMs })
  return async (request, rpc) => {
    assureQuestion(request, rules)
    const level = levelOf(request.level)
    if (request.denyUnenforced && level === "quick")
      throw invalidRequest("deny_unenforced", "needs level STANDARD or FULL: QUICK evaluates no constraints")
    const context = contextOf(request, rules)
    const source = await sourceOf(store, requirementOf(request.consistency))
    return await judgeEvidence(source, request.agentId, rpc, async ({ evidence, nowMicros }) => {
      const verdict = await verdictOf(evidence, { ...request, level, context })
      if (verdict.effectiveConstraints.length > MANY) await nextTurn()
      return responseOf(verdict, evidence.stored, nowMicros)
    })
  }
}

type Asked = Pick<VerifyTrustRequest, "agentId" | "action" | "resource" | "heeds" | "denyUnenforced"> & {
  level: TrustLevel
  context: JsonObject | undefined
}

async function verdictOf({ denied, input }: Evidence, request: Asked): Promise<TrustVerdict> {
  if (denied === undefined) return await verifyTrust({ ...input, request })
  const { reason, text: reasonText, explanation, remedy, cause } = denied
  const why = { reason, reasonText, explanation, remedy, cause }
  return { valid: false, level: request.level, ...why, ...NOTHING_EVALUATED }
}

const NOTHING_EVALUATED = { effectiveConstraints: [], violations: [], unenforcedConstraints: [] }

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
      throw invalidRequest("level", `is ${level}, which is not a VerificationLevel`)
  }
}

function responseOf(verdict: TrustVerdict, stored: ServedChain | null, nowMicros: bigint): Response {
  const { level, reason, reasonText, cause, violations, ...same } = verdict
  return {
    ...same,
    level: LEVELS[level],
    reason: reason === undefined ? DenialReason.UNSPECIFIED : DenialReason[reason],
    reasonText: reasonText ?? "",
    cause: cause === undefined ? DenialReason.UNSPECIFIED : DenialReason[cause],
    violations: violations.map(({ severity, rule: _, ...violation }) => ({
      ...violation,
      severity: severity === "error" ? TrustViolationSeverity.ERROR : TrustViolationSeverity.WARNING,
    })),
    revision: stored?.revision ?? 0n,
    validAt: timestampOf(nowMicros),
  }
}
