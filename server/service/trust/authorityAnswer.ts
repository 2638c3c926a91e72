import type { MessageInitShape } from "@bufbuild/protobuf"
import {
  type AuthorityVerdict,
  checkAuthority,
  type PathRecord,
  type ShapeLimits,
} from "@trust-registry/eatp"
import {
  AuthorityPathRecordKind,
  type CheckAuthorityRequest,
  type CheckAuthorityResponseSchema,
  DenialReason,
} from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import { microsOf, nowMicros, timestampOf } from "../../store/rows/micros.js"
import type { Store } from "../../store/store.js"
import { assureAuthorityId } from "../request/fields.js"
import { type Evidence, evidenceOf } from "./evidence.js"
import { type ReadSnapshot, readSnapshotOf } from "./readSnapshot.js"
import { assureQuestion, contextOf } from "./trustQuestion.js"

type Response = MessageInitShape<typeof CheckAuthorityResponseSchema>

/** Answers CheckAuthority. */
export async function answerAuthority(
  store: Store,
  request: CheckAuthorityRequest,
  limits: ShapeLimits,
): Promise<Response> {
  assureQuestion(request, limits)
  if (request.authorityId !== "") assureAuthorityId(request.authorityId, limits)
  const context = contextOf(request, limits)
  const evaluated = nowMicros()
  const snapshot = await readSnapshotAt(store, request, evaluated)
  const { agentId, action, resource } = request
  const evidence = await evidenceOf(snapshot, agentId, "all")
  const input = { ...evidence.input, request: { agentId, action, resource, context, level: "full" as const } }
  const verdict = await checkAuthority(input, request.authorityId || undefined)
  return responseOf(verdict, evidence, { evaluated, time: snapshot.nowMicros })
}

/** The first second that google.protobuf.Timestamp has. */
const EARLIEST_SECONDS = -62_135_596_800n

/** A past time asks the history, whatever else is said of consistency. */
async function readSnapshotAt(
  store: Store,
  { time, consistency }: CheckAuthorityRequest,
  now: bigint,
): Promise<ReadSnapshot> {
  if (time === undefined) return await readSnapshotOf(store, consistency)
  if (consistency.case === "atRevision")
    throw invalidRequest("time", "is set beside at_revision; each says another moment")
  if (time.seconds < EARLIEST_SECONDS) throw invalidRequest("time", "is before the year 1")
  const micros = microsOf(time)
  if (micros > now) throw invalidRequest("time", "is in the future, by the clock of the server")
  return { reader: store.at({ micros }), nowMicros: micros }
}

function responseOf(
  verdict: AuthorityVerdict,
  { stored, denied, depends }: Evidence,
  { evaluated, time }: { evaluated: bigint; time: bigint },
): Response {
  const { reason, reasonText, effectiveConstraints, path, ...same } = verdict
  const why = denied?.reason ?? reason
  const revision = stored?.revision ?? 0n
  const revisionOf = ({ kind, id, agentId }: PathRecord) =>
    kind === "AUTHORITY" ? depends.authorities[id] : (depends.chains[agentId] ?? revision)
  return {
    ...same,
    authorized: verdict.authorized && denied === undefined,
    reason: why === undefined ? DenialReason.UNSPECIFIED : DenialReason[why],
    reasonText: denied?.text ?? reasonText ?? "",
    effectiveConstraints: denied === undefined ? effectiveConstraints : [],
    path: path.map((record) => ({
      ...record,
      kind: AuthorityPathRecordKind[record.kind],
      revision: revisionOf(record) ?? 0n,
    })),
    timeEvaluated: timestampOf(evaluated),
    time: timestampOf(time),
    revision,
  }
}
