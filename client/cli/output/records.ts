import { toJson } from "@bufbuild/protobuf"
import { type Timestamp, timestampDate, timestampMs } from "@bufbuild/protobuf/wkt"
import { wordOf } from "@trust-registry/eatp"
import {
  type ChainRecord,
  ChainRecordSchema,
  ChainStatus,
  ChainStatusSchema,
  SignatureStatusSchema,
} from "@trust-registry/proto"
import { JSON_OPTIONS } from "./protoJson.js"

/** Converts a record to JSON with the contract's field names, empty fields included. */
export function recordJson(record: ChainRecord | undefined) {
  if (!record) return null
  return toJson(ChainRecordSchema, record, JSON_OPTIONS)
}

/** Headings of {@link recordRow}. */
export const RECORD_HEADINGS = [
  "AGENT",
  "AUTHORITY",
  "STATUS",
  "SIGNATURES",
  "REVISION",
  "EXPIRES",
  "UPDATED",
]

/** Returns a record as a row of a table. */
export function recordRow(record: ChainRecord): string[] {
  const { agentId, authorityId, signatureStatus, revision, expiresAt, updatedAt } = record
  return [
    agentId,
    authorityId,
    statusText(record),
    wordOf(SignatureStatusSchema, signatureStatus) ?? "unknown",
    `${revision}`,
    momentText(expiresAt),
    momentText(updatedAt),
  ]
}

/** Returns the state of a chain, by the clock: expiry and graceful revocations do not change its status. */
export function statusText({ status, expiresAt, revokesAt }: ChainRecord): string {
  const active = status === ChainStatus.ACTIVE
  if (active && revokesAt && timestampMs(revokesAt) <= Date.now()) return "revoked"
  if (active && expiresAt && timestampMs(expiresAt) < Date.now()) return "expired"
  const word = wordOf(ChainStatusSchema, status) ?? "unknown"
  return active && revokesAt ? `${word}, ${revokedFrom(revokesAt)}` : word
}

/** Says when a revocation that is pending takes effect. */
export function revokedFrom(moment: Timestamp): string {
  return `revoked from ${momentText(moment)}`
}

/** Formats a time for people, to the second. */
export function momentText(moment: Timestamp | undefined) {
  if (!moment) return "-"
  return timestampDate(moment)
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
}
