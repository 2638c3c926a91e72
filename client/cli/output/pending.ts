import { timestampMs } from "@bufbuild/protobuf/wkt"
import { visibleName, wordOf } from "@trust-registry/eatp"
import { RevokedKindSchema, type RevokedRecord } from "@trust-registry/proto"
import type { TrustRegistry } from "../../connect.js"
import { revokedFrom } from "./records.js"

/** Lines for each graceful revocation that will deny the agent something, as an answer that allows it now does not say. */
export async function pendingLines(registry: TrustRegistry, agentId: string): Promise<string[]> {
  const { records } = await registry.listRevokedRecords({ agentId, standingOnly: true }).page()
  return records.filter(isPending).map(pendingLine)
}

function isPending({ effectiveAt }: RevokedRecord): boolean {
  return effectiveAt !== undefined && timestampMs(effectiveAt) > Date.now()
}

function pendingLine({ kind, agentId, recordId, effectiveAt }: RevokedRecord): string {
  const what = `${wordOf(RevokedKindSchema, kind) ?? "record"} ${visibleName(recordId || agentId)}`
  return `note: ${what} is ${effectiveAt ? revokedFrom(effectiveAt) : "revoked"}`
}
