import { create, fromJson, type JsonValue, type MessageInitShape, toJson } from "@bufbuild/protobuf"
import { type Document, documentHash, withoutMarks } from "@trust-registry/eatp"
import {
  type Authority,
  type AuthorityDocumentSchema,
  AuthorityProof,
  type AuthorityRecord,
  AuthorityRecordSchema,
  AuthoritySchema,
  type DocumentProof,
  DocumentProofSchema,
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
  /** ProtoJSON of a DocumentProof; null: changed by hand, or by a server that did not know proofs. */
  document_proof: JsonValue
  self_signed: boolean
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
    proof: row.self_signed ? AuthorityProof.SELF_SIGNED : AuthorityProof.UNSIGNED,
    documentHash: hashOf(row),
  })
}

// A record is told of a document that does not parse, too.
function hashOf(row: AuthorityRow): string {
  try {
    return documentHash(documentOf(row))
  } catch {
    return ""
  }
}

/** The authority of a row. Throws AUTHORITY_CORRUPT for a document that is no authority or has an unknown field. */
export function authorityOf(row: AuthorityRow): Authority {
  return parsed(row, () => fromJson(AuthoritySchema, row.authority_data))
}

/** The document of a row, its keys with their marks. Throws AUTHORITY_CORRUPT as {@link authorityOf} does. */
export function documentOf(row: AuthorityRow): Document {
  const { document_proof: proof } = row
  return {
    authority: authorityOf(row),
    ...(proof !== null && { proof: parsed(row, () => fromJson(DocumentProofSchema, proof)) }),
  }
}

/** The document of a row of the history, as the contract has it. Throws AUTHORITY_CORRUPT as {@link authorityOf} does. */
export function authorityDocumentOf(row: AuthorityRow): MessageInitShape<typeof AuthorityDocumentSchema> {
  const document = documentOf(row)
  return {
    authority: withoutMarks(document.authority),
    ...(document.proof && { proof: document.proof }),
    hash: documentHash(document),
    revision: row.revision,
    storedAt: timestampOf(row.updated_at),
  }
}

function parsed<Parsed>(row: AuthorityRow, parse: () => Parsed): Parsed {
  try {
    return parse()
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

/** The JSON text that is stored for a proof. */
export function proofJson(proof: DocumentProof): string {
  return JSON.stringify(toJson(DocumentProofSchema, proof, { useProtoFieldName: true }))
}
