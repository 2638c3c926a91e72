import { randomUUID } from "node:crypto"
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf"
import { momentProblem, type ShapeLimits } from "@trust-registry/eatp"
import {
  RevocationMode,
  type RevocationSchema,
  RevocationService,
  type RevokeAgentRequest,
} from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { RevocationStore } from "../../store/revocations/revocationStore.js"
import type { RevocationOutcome, Revoke } from "../../store/revocations/revocations.js"
import { microsOf } from "../../store/rows/micros.js"
import { type RevocationRow, type RevokedKindText, revokedRecordOf } from "../../store/rows/revocationRows.js"
import {
  assureAgentId,
  assureAuthorityId,
  assureId,
  assureRequestId,
  assureText,
  assureUuid,
} from "../request/fields.js"
import { requestHashOf } from "../request/requestHash.js"
import { assureCompromisedAt } from "./compromisedAt.js"
import { assureAccepted } from "./revocationErrors.js"

/** Longest reason, in bytes of UTF-8. */
const MAX_REASON_BYTES = 4_096
/** Most records of an answer, at 100 to 200 bytes each with ids of usual length. */
const MAX_RECORDS = 10_000
/** Most bytes of them: with ids of 512 bytes, fewer records fit. */
const MAX_RECORD_BYTES = 3 * 1024 * 1024

/** The handlers that revoke, suspend, and lift a suspension. */
export function createRevocations(
  revocations: RevocationStore,
  limits: ShapeLimits,
): Omit<Handlers<typeof RevocationService, RpcContext>, "listRevokedRecords" | "importRevokedRecords"> {
  const revoke = async (what: Revoke) => {
    const outcome = await revocations.revoke(what)
    assureAccepted(what, outcome)
    return { revocation: revocationOf(what.requestId, outcome) }
  }
  return {
    revokeAgent: async (request, { actor }) => {
      assureAgentId(request.agentId, limits)
      const common = commonOf(RevocationService.method.revokeAgent.input, request, actor)
      return await revoke({ ...common, ...timingOf(request), ...target("agent", request.agentId, "") })
    },

    revokeDelegation: async (request, { actor }) => {
      assureAgentId(request.agentId, limits)
      assureId("delegation_id", request.delegationId, limits)
      const common = commonOf(RevocationService.method.revokeDelegation.input, request, actor)
      const what = target("delegation", request.agentId, request.delegationId)
      return await revoke({ ...common, ...timingOf(request), ...what })
    },

    revokeCapability: async (request, { actor }) => {
      assureAgentId(request.agentId, limits)
      assureId("capability_id", request.capabilityId, limits)
      const common = commonOf(RevocationService.method.revokeCapability.input, request, actor)
      const what = target("capability", request.agentId, request.capabilityId)
      return await revoke({ ...common, ...timingOf(request), ...what })
    },

    revokeKey: async (request, { actor }) => {
      assureAuthorityId(request.authorityId, limits)
      assureId("key_id", request.keyId, limits)
      const { authorityId, keyId, compromisedAt } = request
      assureCompromisedAt(compromisedAt, revocations.now())
      return await revoke({
        ...commonOf(RevocationService.method.revokeKey.input, request, actor),
        kind: "key",
        authorityId,
        recordId: keyId,
        mode: "immediate",
        compromisedAt: compromisedAt && microsOf(compromisedAt),
      })
    },

    liftSuspension: async ({ revocationId, requestId }, { actor }) => {
      assureUuid("revocation_id", revocationId)
      assureRequestId(requestId)
      const lift = { revocationId, requestId: requestId || randomUUID(), actor }
      const outcome = await revocations.lift(lift)
      assureAccepted({ recordId: revocationId, requestId: lift.requestId }, outcome)
      return { revocation: revocationOf(revocationId, outcome) }
    },
  }
}

function target(kind: RevokedKindText, agentId: string, recordId: string) {
  return { kind, agentId, recordId }
}

function commonOf<Desc extends DescMessage>(
  desc: Desc,
  request: MessageShape<Desc> & { reason: string; requestId: string },
  actor: string,
) {
  assureText("reason", request.reason, MAX_REASON_BYTES)
  assureRequestId(request.requestId)
  const { $unknown = [] } = request
  // An unknown field may be a condition.
  if ($unknown[0]) throw invalidRequest("", `the request has an unknown field, number ${$unknown[0].no}`)
  const requestId = (request.requestId || randomUUID()).toLowerCase()
  return { requestId, requestHash: requestHashOf(desc, request), reason: request.reason, actor }
}

function timingOf({ mode, effectiveAt }: Pick<RevokeAgentRequest, "mode" | "effectiveAt">) {
  const word = modeOf(mode)
  if (word !== "graceful") {
    if (effectiveAt) throw invalidRequest("effective_at", "is allowed with REVOCATION_MODE_GRACEFUL only")
    return { mode: word }
  }
  if (!effectiveAt) throw invalidRequest("effective_at", "is missing: REVOCATION_MODE_GRACEFUL needs it")
  const fault = momentProblem(effectiveAt)
  if (fault) throw invalidRequest("effective_at", fault)
  return { mode: word, effectiveAt: microsOf(effectiveAt) }
}

function modeOf(mode: RevocationMode): RevocationRow["mode"] {
  switch (mode) {
    case RevocationMode.UNSPECIFIED:
    case RevocationMode.IMMEDIATE:
      return "immediate"
    case RevocationMode.GRACEFUL:
      return "graceful"
    case RevocationMode.SUSPEND:
      return "suspend"
    default:
      throw invalidRequest("mode", `is ${mode}, which is not a RevocationMode`)
  }
}

function revocationOf(
  revocationId: string,
  { head, rows, total, waiting }: RevocationOutcome,
): MessageInitShape<typeof RevocationSchema> {
  const records = []
  let bytes = 0
  for (const row of rows.slice(0, MAX_RECORDS)) {
    bytes += RECORD_BYTES + textBytes(row)
    if (bytes > MAX_RECORD_BYTES) break
    records.push(revokedRecordOf(row))
  }
  const progress = { inProgress: waiting !== null, waitingCount: waiting ?? 0n }
  return { revocationId, revision: head, records, recordCount: total, ...progress }
}

/** What a record adds to its texts, in bytes: UUIDs, times and protobuf framing. */
const RECORD_BYTES = 160

function textBytes({ agent_id, record_id, descends_from, reason, revoked_by, lifted_by }: RevocationRow) {
  const texts = [agent_id, record_id, descends_from, reason, revoked_by, lifted_by]
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text ?? ""), 0)
}
