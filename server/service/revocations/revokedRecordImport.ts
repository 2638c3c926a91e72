import { isoFromMicros, momentProblem, type ShapeLimits } from "@trust-registry/eatp"
import {
  ErrorReason,
  RevocationMode,
  type RevocationService,
  RevokedKind,
  type RevokedRecord,
} from "@trust-registry/proto"
import { type FieldViolation, invalidRequest, RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { ImportedRecord } from "../../store/revocations/importedRecords.js"
import type { RevocationStore } from "../../store/revocations/revocationStore.js"
import { microsOf } from "../../store/rows/micros.js"
import type { RevocationRow, RevokedKindText } from "../../store/rows/revocationRows.js"
import { assureId, assureText, assureUuid, sentenceOf } from "../request/fields.js"
import { assureCompromisedAt } from "./compromisedAt.js"

/** Most records of a request: with the longest reason and ids they stay below 4 MiB. */
const MAX_RECORDS = 500
/** Longest texts, in bytes of UTF-8. */
const MAX_TEXT_BYTES = 4_096

/** The handler of ImportRevokedRecords. */
export function createRevokedRecordImport(
  revocations: RevocationStore,
  limits: ShapeLimits,
): Handlers<typeof RevocationService, RpcContext>["importRevokedRecords"] {
  return async ({ records }, { actor }) => {
    if (records.length > MAX_RECORDS)
      throw invalidRequest("records", `has ${records.length} records; at most ${MAX_RECORDS} are allowed`)
    const now = revocations.now()
    const rows = records.map((record, place) => at(place, () => importedRecord(record, actor, now, limits)))
    const { created, head, taken } = await revocations.import(rows)
    if (taken !== null)
      throw invalidRequest(
        "records",
        `has revocation ${taken} with another mode or effective_at than others of it, or its cascade is in progress`,
      )
    return { created, unchanged: BigInt(records.length) - created, revision: head }
  }
}

/** Names the record in the fields of an error. */
function at<Read>(place: number, read: () => Read): Read {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    const named = ({ field, description }: FieldViolation) => ({
      field: `records[${place}].${field}`,
      description,
    })
    const violations = (error.failure.violations ?? []).map(named)
    throw new RegistryError(ErrorReason.INVALID_REQUEST, sentenceOf(violations), { violations })
  }
}

function importedRecord(
  record: RevokedRecord,
  actor: string,
  now: bigint,
  limits: ShapeLimits,
): ImportedRecord {
  const { $unknown = [], revocationId, descendsFrom, reason, revokedBy, revokedAt } = record
  // It may narrow or widen what is revoked.
  if ($unknown[0]) throw invalidRequest("", `has an unknown field, number ${$unknown[0].no}`)
  if (record.liftedAt) throw invalidRequest("lifted_at", "is set: a lifted record denies nothing")
  assureUuid("revocation_id", revocationId)
  assureText("reason", reason, MAX_TEXT_BYTES)
  assureText("revoked_by", revokedBy, MAX_TEXT_BYTES)
  if (descendsFrom !== undefined) assureId("descends_from", descendsFrom, limits)
  const when =
    revokedAt === undefined || momentProblem(revokedAt) ? "" : ` at ${isoFromMicros(microsOf(revokedAt))}`
  return {
    revocation_id: revocationId,
    descends_from: descendsFrom ?? null,
    reason,
    revoked_by: `${actor}, importing what ${revokedBy || "somebody"} revoked${when}`,
    ...ownerOf(record, limits),
    ...timingOf(record, now),
  }
}

function ownerOf({ kind, agentId, authorityId, recordId }: RevokedRecord, limits: ShapeLimits) {
  const word = KINDS[kind]
  if (word === undefined) throw invalidRequest("kind", `is ${kind}, which is not a RevokedKind`)
  const [mine, other] =
    word === "key" ? (["authority_id", "agent_id"] as const) : (["agent_id", "authority_id"] as const)
  const ids = { agent_id: agentId, authority_id: authorityId }
  assureId(mine, ids[mine], limits)
  if (ids[other] !== "") throw invalidRequest(other, `is not allowed with kind ${word}`)
  if (word !== "agent") assureId("record_id", recordId, limits)
  else if (recordId !== "") throw invalidRequest("record_id", "is not allowed with kind agent")
  return { kind: word, agent_id: agentId || null, authority_id: authorityId || null, record_id: recordId }
}

const KINDS: Partial<Record<RevokedKind, RevokedKindText>> = {
  [RevokedKind.AGENT]: "agent",
  [RevokedKind.DELEGATION]: "delegation",
  [RevokedKind.CAPABILITY]: "capability",
  [RevokedKind.KEY]: "key",
}

function timingOf({ kind, mode, effectiveAt, compromisedAt }: RevokedRecord, now: bigint) {
  const word = MODES[mode]
  if (word === undefined) throw invalidRequest("mode", `is ${mode}, which is not a RevocationMode`)
  if (kind === RevokedKind.KEY && word !== "immediate")
    throw invalidRequest("mode", "of a key must be REVOCATION_MODE_IMMEDIATE")
  if (word === "graceful" && !effectiveAt)
    throw invalidRequest("effective_at", "is missing: REVOCATION_MODE_GRACEFUL needs it")
  if (compromisedAt && kind !== RevokedKind.KEY)
    throw invalidRequest("compromised_at", "is allowed with kind key only")
  const fault = effectiveAt && momentProblem(effectiveAt)
  if (fault) throw invalidRequest("effective_at", fault)
  assureCompromisedAt(compromisedAt, now)
  return {
    mode: word,
    effective_at: word === "graceful" && effectiveAt ? microsOf(effectiveAt) : null,
    compromised_at: compromisedAt ? microsOf(compromisedAt) : null,
  }
}

const MODES: Partial<Record<RevocationMode, RevocationRow["mode"]>> = {
  [RevocationMode.IMMEDIATE]: "immediate",
  [RevocationMode.GRACEFUL]: "graceful",
  [RevocationMode.SUSPEND]: "suspend",
}
