import { toJson } from "@bufbuild/protobuf"
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt"
import { wordOf } from "@trust-registry/eatp"
import { type ChainRecord, ChainRecordSchema, ChainStatusSchema } from "@trust-registry/proto"

/** A record as JSON with the contract's field names; fields that are empty stand there too. */
export function recordJson(record: ChainRecord | undefined) {
  if (!record) return null
  return toJson(ChainRecordSchema, record, { useProtoFieldName: true, alwaysEmitImplicit: true })
}

/** Headings of {@link recordRow}. */
export const RECORD_HEADINGS = ["AGENT", "AUTHORITY", "STATUS", "REVISION", "EXPIRES", "UPDATED"]

/** A record as a row of a table. */
export function recordRow(record: ChainRecord): string[] {
  const { agentId, authorityId, revision, expiresAt, updatedAt } = record
  return [
    agentId,
    authorityId,
    statusWord(record),
    `${revision}`,
    momentText(expiresAt),
    momentText(updatedAt),
  ]
}

/** The state of a chain in one word, expiry included. */
export function statusWord({ status, isActive, expiresAt }: ChainRecord): string {
  const expired = isActive && expiresAt !== undefined && timestampDate(expiresAt).getTime() < Date.now()
  return expired ? "expired" : (wordOf(ChainStatusSchema, status) ?? "unknown")
}

/** A moment for people, to the second. */
export function momentText(moment: Timestamp | undefined) {
  if (!moment) return "-"
  return timestampDate(moment)
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
}
