import { create } from "@bufbuild/protobuf"
import { RevocationMode, RevokedKind, type RevokedRecord, RevokedRecordSchema } from "@trust-registry/proto"
import { timestampOf } from "./micros.js"

/** A kind of revoked record, as trust_revocations stores it. */
export type RevokedKindText = keyof typeof KINDS

/** The columns of trust_revocations. Times are microseconds since 1970. */
export interface RevocationRow {
  revision: bigint
  revocation_id: string
  kind: RevokedKindText
  agent_id: string | null
  authority_id: string | null
  record_id: string
  mode: "immediate" | "graceful" | "suspend"
  descends_from: string | null
  effective_at: bigint
  compromised_at: bigint | null
  reason: string
  revoked_at: bigint
  revoked_by: string
  lifted_at: bigint | null
  lifted_by: string | null
}

const KINDS = {
  agent: RevokedKind.AGENT,
  delegation: RevokedKind.DELEGATION,
  capability: RevokedKind.CAPABILITY,
  key: RevokedKind.KEY,
} as const

const MODES = {
  immediate: RevocationMode.IMMEDIATE,
  graceful: RevocationMode.GRACEFUL,
  suspend: RevocationMode.SUSPEND,
} as const

/** The message of a row. */
export function revokedRecordOf(row: RevocationRow): RevokedRecord {
  return create(RevokedRecordSchema, {
    revocationId: row.revocation_id,
    revision: row.revision,
    kind: KINDS[row.kind],
    agentId: row.agent_id ?? "",
    authorityId: row.authority_id ?? "",
    recordId: row.record_id,
    mode: MODES[row.mode],
    effectiveAt: timestampOf(row.effective_at),
    reason: row.reason,
    revokedAt: timestampOf(row.revoked_at),
    revokedBy: row.revoked_by,
    ...(row.descends_from === null ? {} : { descendsFrom: row.descends_from }),
    ...(row.compromised_at === null ? {} : { compromisedAt: timestampOf(row.compromised_at) }),
    ...(row.lifted_at === null ? {} : { liftedAt: timestampOf(row.lifted_at) }),
    ...(row.lifted_by === null ? {} : { liftedBy: row.lifted_by }),
  })
}
