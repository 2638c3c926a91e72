import { toJson } from "@bufbuild/protobuf"
import { wordOf } from "@trust-registry/eatp"
import {
  type Revocation,
  RevocationModeSchema,
  RevocationSchema,
  RevokedKindSchema,
  type RevokedRecord,
  RevokedRecordSchema,
} from "@trust-registry/proto"
import type { Invocation } from "./command.js"
import { JSON_OPTIONS } from "./output/protoJson.js"
import { momentText } from "./output/records.js"
import { tableLines } from "./output/table.js"

type Outputs = Pick<Invocation, "json" | "out" | "err">

/** Prints what a call revoked or lifted, record by record, or that it was done before. */
export async function printRevocation(
  outputs: Outputs,
  verb: "revoked" | "lifted",
  revocation: Revocation | undefined,
  now = true,
): Promise<void> {
  if (!revocation) throw new Error("the registry returned no revocation")
  const { revocationId, revision, records, recordCount } = revocation
  if (outputs.json)
    return await outputs.out.json(
      JSON.stringify({ [verb]: now, revocation: toJson(RevocationSchema, revocation, JSON_OPTIONS) }),
    )
  const count = recordCount === 1n ? "1 record" : `${recordCount} records`
  const done = now ? verb : `already ${verb}:`
  await outputs.out.line(`${done} ${count} at revision ${revision}; revocation ${revocationId}`)
  await table(outputs, HEADINGS, records.map(rowOf))
  const left = recordCount - BigInt(records.length)
  if (revocation.inProgress)
    await outputs.err.line(
      `the cascade is in progress: more records follow; revocations --revocation ${revocationId} lists them`,
    )
  else if (left > 0n)
    await outputs.err.line(`${left} more records: run revocations --revocation ${revocationId}`)
}

/** Prints records of any revocations. */
export async function printRecords(outputs: Outputs, records: readonly RevokedRecord[]): Promise<void> {
  if (!outputs.json) return await table(outputs, LIST_HEADINGS, records.map(listRowOf))
  for (const record of records)
    await outputs.out.json(JSON.stringify(toJson(RevokedRecordSchema, record, JSON_OPTIONS)))
}

async function table({ out }: Outputs, headings: readonly string[], rows: string[][]) {
  if (rows.length === 0) return
  for (const line of tableLines(headings, rows, out.columns)) await out.line(line)
}

const HEADINGS = ["KIND", "OF", "RECORD", "DESCENDS FROM", "REVISION"]

function rowOf(record: RevokedRecord): string[] {
  const { agentId, authorityId, recordId, descendsFrom, revision } = record
  return [kindWord(record), agentId || authorityId, recordId || "-", descendsFrom ?? "-", `${revision}`]
}

const LIST_HEADINGS = [...HEADINGS, "MODE", "SINCE", "COMPROMISED", "LIFTED", "BY", "REVOCATION", "REASON"]

function listRowOf(record: RevokedRecord): string[] {
  const { mode, effectiveAt, compromisedAt, liftedAt, revokedBy, revocationId, reason } = record
  return [
    ...rowOf(record),
    wordOf(RevocationModeSchema, mode) ?? "unknown",
    momentText(effectiveAt),
    momentText(compromisedAt),
    momentText(liftedAt),
    revokedBy,
    revocationId,
    reason || "-",
  ]
}

function kindWord({ kind }: RevokedRecord): string {
  return wordOf(RevokedKindSchema, kind) ?? "unknown"
}
