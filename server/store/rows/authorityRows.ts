import { create, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf"
import {
  type Authority,
  type AuthorityRecord,
  AuthorityRecordSchema,
  AuthoritySchema,
  ErrorReason,
} from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import { timestampOf } from "./micros.js"

/** The columns of trust_authorities and trust_authority_revisions. Times are microseconds since 1970. */
export interface AuthorityRow {
  authority_id: string
  revision: bigint
  /** Null in the history of an authority that was deleted by hand. */
  authority_data: JsonValue
  is_active: boolean
  created_at: bigint
  updated_at: bigint
  updated_by: string
}

/** The record of a row. */
export function authorityRecordOf(row: AuthorityRow): AuthorityRecord {
  return create(AuthorityRecordSchema, {
    authorityId: row.authority_id,
    revision: row.revision,
    isActive: row.is_active,
    createdAt: timestampOf(row.created_at),
    updatedAt: timestampOf(row.updated_at),
    updatedBy: row.updated_by,
  })
}

/** The authority of a row. Throws AUTHORITY_CORRUPT for a document that is no authority or has an unknown field. */
export function authorityOf(row: AuthorityRow): Authority {
  try {
    return fromJson(AuthoritySchema, row.authority_data)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new RegistryError(ErrorReason.AUTHORITY_CORRUPT, `the stored authority does not parse: ${why}`, {
      authorityId: row.authority_id,
      cause,
    })
  }
}

/** The JSON text that is stored for an authority. */
export function authorityJson(authority: Authority): string {
  return JSON.stringify(toJson(AuthoritySchema, authority, { useProtoFieldName: true }))
}
