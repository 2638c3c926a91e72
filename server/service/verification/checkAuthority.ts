import type { MessageInitShape } from "@bufbuild/protobuf"
import { type AuthorityVerdict, checkAuthority, nextTurn, type PathRecord } from "@trust-registry/eatp"
import {
  AuthorityPathRecordKind,
  type CheckAuthorityRequest,
  type CheckAuthorityResponseSchema,
  DenialReason,
  type TrustVerificationService,
} from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { microsOf, timestampOf } from "../../store/rows/micros.js"
import type { Store } from "../../store/store.js"
import { requirementOf } from "../request/consistency.js"
import { assureAuthorityId } from "../request/fields.js"
import { pastSource, type SnapshotSource, sourceOf } from "../request/readSnapshot.js"
import type { Evidence } from "./evidence.js"
import { createJudgeEvidence } from "./sharedEvidence.js"
import { assureQuestion, contextOf, type QuestionRules } from "./trustQuestion.js"

type Response = MessageInitShape<typeof CheckAuthorityResponseSchema>

/** The handler of CheckAuthority. */
export function createCheckAuthority(
  store: Store,
  rules: QuestionRules,
): Handlers<typeof TrustVerificationService, RpcContext>["checkAuthority"] {
  const judgeEvidence = createJudgeEvidence(store, { reach: "all", maxRecordAgeMs: rules.maxRecordAgeMs })
  return async (request, rpc) => {
    assureQuestion(request, rules)
    if (request.authorityId !== "") assureAuthorityId(request.authorityId, rules)
    const context = contextOf(request, rules)
    const source = await sourceFor(store, request, store.now())
    const { agentId, action, resource, heeds } = request
    return await judgeEvidence(source, agentId, rpc, async ({ evidence, nowMicros }) => {
      const asked = { agentId, action, resource, heeds, context, level: "full" as const }
      const verdict = await checkAuthority(
        { ...evidence.input, request: asked },
        request.authorityId || undefined,
      )
      if (verdict.constraintsMet.length + verdict.effectiveConstraints.length > MANY) await nextTurn()
      return responseOf(verdict, evidence, { evaluatedAt: store.now(), validAt: nowMicros })
    })
  }
}

/** So many constraints take a turn to encode. */
const MANY = 5_000

/** The first second that google.protobuf.Timestamp can represent. */
const EARLIEST_SECONDS = -62_135_596_800n

/** A past time is read from history, regardless of the requested consistency. */
async function sourceFor(
  store: Store,
  { validAt, consistency }: CheckAuthorityRequest,
  now: bigint,
): Promise<SnapshotSource> {
  const requirement = requirementOf(consistency)
  if (validAt === undefined) return await sourceOf(store, requirement)
  if (requirement.case === "atRevision")
    throw invalidRequest("valid_at", "cannot be combined with consistency.at_revision")
  if (validAt.seconds < EARLIEST_SECONDS) throw invalidRequest("valid_at", "is before the year 1")
  const micros = microsOf(validAt)
  if (micros > now) throw invalidRequest("valid_at", "is in the future, according to the database's clock")
  return pastSource(store, { micros }, `time ${micros}`)
}

function responseOf(
  verdict: AuthorityVerdict,
  { stored, denied, depends }: Evidence,
  { evaluatedAt, validAt }: { evaluatedAt: bigint; validAt: bigint },
): Response {
  const { reason, reasonText, explanation, remedy, cause, effectiveConstraints, path, ...same } = verdict
  const words = denied ?? { reason, text: reasonText, explanation, remedy, cause }
  const revision = stored?.revision ?? 0n
  const revisionOf = ({ kind, id, agentId }: Pick<PathRecord, "kind" | "id" | "agentId">) =>
    kind === "AUTHORITY" ? depends.authorities.get(id) : (depends.chains.get(agentId) ?? revision)
  return {
    ...same,
    authorized: verdict.authorized && denied === undefined,
    reason: words.reason === undefined ? DenialReason.UNSPECIFIED : DenialReason[words.reason],
    reasonText: words.text ?? "",
    explanation: words.explanation ?? "",
    remedy: words.remedy ?? "",
    cause: words.cause === undefined ? DenialReason.UNSPECIFIED : DenialReason[words.cause],
    effectiveConstraints: denied === undefined ? effectiveConstraints : [],
    path: path.map(({ dated, expires, ...record }) => ({
      ...record,
      issuedAt: dated,
      ...(expires === undefined ? {} : { expiresAt: expires }),
      kind: AuthorityPathRecordKind[record.kind],
      revision: revisionOf(record) ?? 0n,
    })),
    evaluatedAt: timestampOf(evaluatedAt),
    validAt: timestampOf(validAt),
    revision,
  }
}
