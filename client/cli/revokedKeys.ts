import { toJson } from "@bufbuild/protobuf"
import { visibleName } from "@trust-registry/eatp"
import { RevokedKind, type RevokedRecord, RevokedRecordSchema } from "@trust-registry/proto"
import type { TrustRegistry } from "../connect.js"
import { AuthorityNotFoundError } from "../errors.js"
import type { Invocation } from "./command.js"
import { reportError } from "./errorReport.js"
import { EXIT, exitCodeOf } from "./output/exit.js"
import { JSON_OPTIONS } from "./output/protoJson.js"
import { momentText } from "./output/records.js"

type Outputs = Pick<Invocation, "json" | "out" | "err">

const LARGEST_PAGE = 500

/**
 * Prints revoked keys beside a watch. They change no chain, so that a watch does not tell of them, and yet chains that they signed
 * are denied.
 *
 * @param from the first revision to print; undefined: what comes after the first call
 */
export function revokedKeyReport({ json, out }: Outputs, registry: TrustRegistry, from: bigint | undefined) {
  let next = from
  return {
    /** Prints the keys that were revoked before a revision and not printed yet. */
    async upTo(before: bigint): Promise<void> {
      next ??= before
      if (next >= before) return
      const records = await revokedKeys(registry, next, before).catch(ignoreOutage)
      if (!records) return
      for (const record of records) await (json ? out.json(keyJson(record)) : out.line(keyLine(record)))
      next = before
    },
  }
}

/** The keys that were revoked from one revision to before another, in that order. */
async function revokedKeys(registry: TrustRegistry, from: bigint, before: bigint): Promise<RevokedRecord[]> {
  const found: RevokedRecord[] = []
  for await (const record of registry.listRevokedRecords({ pageSize: LARGEST_PAGE })) {
    // The last revoked come first, and no record has a lower revision than when it was revoked.
    if (record.revision < from) break
    if (record.kind === RevokedKind.KEY && record.revision < before) found.unshift(record)
  }
  return found
}

/** The next bookmark of the watch asks again. */
function ignoreOutage(error: unknown): undefined {
  if (exitCodeOf(error) !== EXIT.unavailable) throw error
}

function keyLine({ revision, authorityId, recordId, revokedAt, revokedBy }: RevokedRecord): string {
  const key = `key ${visibleName(recordId)} of ${visibleName(authorityId)}`
  return [
    `${revision}`,
    "key_revoked",
    key,
    "revoked",
    "-",
    momentText(revokedAt),
    visibleName(revokedBy),
  ].join("  ")
}

function keyJson(record: RevokedRecord): string {
  const revoked = toJson(RevokedRecordSchema, record, JSON_OPTIONS)
  return JSON.stringify({ kind: "key_revoked", revoked })
}

/** Notes which authorities of a list have revoked keys: what a list says of signatures was found when a chain was stored. */
export function revokedKeyNotes(outputs: Outputs, registry: TrustRegistry) {
  const seen = new Set<string>()
  return async (authorityIds: readonly string[]): Promise<void> => {
    const unseen = [...new Set(authorityIds)].filter((id) => id !== "" && !seen.has(id))
    for (const id of unseen) seen.add(id)
    for (const [authorityId, keyIds] of await Promise.all(unseen.map((id) => revokedIn(registry, id))))
      if (keyIds.length > 0)
        await reportError(outputs, { authorityId, reason: "KEY_REVOKED", message: keyNote(keyIds) })
  }
}

async function revokedIn(registry: TrustRegistry, authorityId: string): Promise<[string, string[]]> {
  try {
    const { authority } = await registry.getAuthority({ authorityId })
    return [authorityId, authority?.keys.filter((key) => key.revokedAt).map(({ keyId }) => keyId) ?? []]
  } catch (error) {
    if (error instanceof AuthorityNotFoundError) return [authorityId, []]
    throw error
  }
}

function keyNote(keyIds: readonly string[]): string {
  const keys = keyIds.length === 1 ? "key" : "keys"
  const are = keyIds.length === 1 ? "is" : "are"
  return (
    `${keys} ${keyIds.map(visibleName).join(", ")} ${are} revoked, and chains signed with it may be denied: ` +
    "`trust AGENT ACTION` asks; SIGNATURES is what was found when a chain was stored"
  )
}
