import { type DescMessage, fromJson, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf"
import {
  ChainRecordSchema,
  ChainRevisionSchema,
  RevokedRecordSchema,
  StoredAuthoritySchema,
  StoredChainSchema,
} from "@trust-registry/proto"

/** The version of the format that this library writes, and the only one that it reads. */
export const ARCHIVE_VERSION = 1

/** What an archive holds, by the name of its lines; each is a message of the contract. */
export const ENTRIES = {
  revoked: RevokedRecordSchema,
  authority: StoredAuthoritySchema,
  chain: StoredChainSchema,
  purged: ChainRecordSchema,
  change: ChainRevisionSchema,
} as const

/** The name of a line. */
export type EntryKind = keyof typeof ENTRIES

/** How many lines of each kind an archive has. */
export type ArchiveCounts = Record<EntryKind, number>

/** The first line. */
export interface ArchiveHeader {
  trust_registry_archive: number
  /** The revision of the registry that all of it is as of. */
  snapshot_revision: string
  /** When it was made, by the clock of its maker. */
  made_at: string
  /** Whether it has the history. */
  history: boolean
}

/** The last line. `sha256` is that of all bytes before the line, lowercase hex. */
export interface ArchiveEnd {
  end: ArchiveCounts
  sha256: string
}

/** A file that is no whole archive: not one at all, of another version, cut short, or altered. Nothing of it was imported. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError"
}

/** A line of an archive, with its line feed. */
export function lineFor(head: ArchiveHeader | ArchiveEnd): string {
  return `${JSON.stringify(head)}\n`
}

/** The line of an entry, with its line feed: ProtoJSON with proto field names, in which signed texts stay as they are. */
export function entryLine<Kind extends EntryKind>(
  kind: Kind,
  message: MessageShape<(typeof ENTRIES)[Kind]>,
): string {
  const json = toJson(ENTRIES[kind] as DescMessage, message, { useProtoFieldName: true })
  return `${JSON.stringify({ [kind]: json })}\n`
}

/** The kind of an entry's line; undefined for the first line, the last, and what is none. */
export function kindOf(text: string): EntryKind | undefined {
  const name = /^\{"(\w+)":/.exec(text)?.[1] ?? ""
  return Object.hasOwn(ENTRIES, name) ? (name as EntryKind) : undefined
}

/** The entry of a line. Throws for one that is no message of its kind, or has a field that this version does not know. */
export function entryOf<Kind extends EntryKind>(
  kind: Kind,
  text: string,
): MessageShape<(typeof ENTRIES)[Kind]> {
  const { [kind]: json, ...others } = JSON.parse(text) as Record<string, JsonValue>
  if (Object.keys(others).length > 0) throw new TypeError(`has more than ${kind}`)
  // The schema of a kind makes messages of that kind, which the compiler cannot see through the index.
  return fromJson<DescMessage>(ENTRIES[kind], json ?? null) as MessageShape<(typeof ENTRIES)[Kind]>
}

/** Counts of nothing. */
export function noCounts(): ArchiveCounts {
  return { revoked: 0, authority: 0, chain: 0, purged: 0, change: 0 }
}
