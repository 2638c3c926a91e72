import { toJson } from "@bufbuild/protobuf"
import { visibleName, wordOf } from "@trust-registry/eatp"
import {
  type Authority,
  type AuthorityPermission,
  AuthorityPermissionSchema,
  AuthorityProof,
  type AuthorityRecord,
  AuthorityRecordSchema,
  AuthorityTypeSchema,
  type StoredAuthority,
} from "@trust-registry/proto"
import type { Invocation } from "../command.js"
import { JSON_OPTIONS } from "../output/protoJson.js"
import { momentText } from "../output/records.js"
import { documentFromAuthority } from "./authorityDocument.js"

/** Converts a record to JSON with the contract's field names, empty fields included. */
export function authorityRecordJson(record: AuthorityRecord | undefined) {
  if (!record) return null
  return toJson(AuthorityRecordSchema, record, JSON_OPTIONS)
}

/** Returns the authority and its record as one JSON text. The document is inserted as text: parsing it would change its numbers. */
export function storedAuthorityJson(
  authority: Authority | undefined,
  record: AuthorityRecord | undefined,
): string {
  const document = authority ? documentFromAuthority(authority, record?.isActive) : "null"
  return `{"authority":${document},"record":${JSON.stringify(authorityRecordJson(record))}}`
}

/** Returns a row of a list as JSON: the fields of the record, and the authority, null if it does not parse. */
export function listedAuthorityJson({ authority, record }: StoredAuthority): string {
  const document = authority ? documentFromAuthority(authority) : "null"
  return `${JSON.stringify(authorityRecordJson(record) ?? {}).slice(0, -1)},"authority":${document}}`
}

/** Prints that a change was made, or that it had been made before. */
export async function printChange(
  { json, out }: Pick<Invocation, "json" | "out">,
  verb: string,
  record: AuthorityRecord | undefined,
  unchanged = false,
): Promise<void> {
  if (json) return await out.json(JSON.stringify({ [verb]: !unchanged, record: authorityRecordJson(record) }))
  const done = unchanged ? `already ${verb}:` : verb
  await out.line(`${done} ${visibleName(record?.authorityId ?? "")} at revision ${record?.revision}`)
}

/** Prints that a change of the document was made, whose word it is now, and the permissions that were granted without being named. */
export async function printDocumentChange(
  { json, out }: Pick<Invocation, "json" | "out">,
  verb: string,
  record: AuthorityRecord | undefined,
  granted: readonly AuthorityPermission[] = [],
): Promise<void> {
  const words = granted.map((permission) => wordOf(AuthorityPermissionSchema, permission))
  const told = words.length > 0 ? { granted: words } : {}
  if (json)
    return await out.json(JSON.stringify({ [verb]: true, ...told, record: authorityRecordJson(record) }))
  const name = visibleName(record?.authorityId ?? "")
  await out.line(`${verb} ${name} at revision ${record?.revision}, ${proofText(record)}`)
  if (words.length > 0)
    await out.line(`it may ${words.join(", ")} (the usual; "permissions" in the document names others)`)
}

/** Returns whose word an authority's document is, with the hash of one that it signed, which callers may pin. */
export function proofText(record: AuthorityRecord | undefined): string {
  if (record?.proof !== AuthorityProof.SELF_SIGNED) return "unsigned"
  return `self-signed: document ${record.documentHash}`
}

/** Headings of {@link authorityRow}. */
export const AUTHORITY_HEADINGS = ["AUTHORITY", "NAME", "TYPE", "STATUS", "KEYS", "REVISION", "UPDATED"]

/** Returns an authority as a row of a table. */
export function authorityRow(
  authority: Authority | undefined,
  record: AuthorityRecord | undefined,
): string[] {
  return [
    record?.authorityId ?? "",
    authority?.name ?? "-",
    wordOf(AuthorityTypeSchema, authority?.authorityType ?? 0) ?? "-",
    record?.isActive ? "active" : "inactive",
    authority ? keysText(authority) : "-",
    `${record?.revision}`,
    momentText(record?.updatedAt),
  ]
}

function keysText({ keys }: Authority) {
  const revoked = keys.filter(({ revokedAt }) => revokedAt).length
  return revoked === 0 ? `${keys.length}` : `${keys.length}, ${revoked} revoked`
}
