import { createHash } from "node:crypto"
import { create, equals } from "@bufbuild/protobuf"
import { TimestampSchema } from "@bufbuild/protobuf/wkt"
import {
  type Authority,
  AuthoritySchema,
  type AuthorityService,
  type ChainRecord,
  ChainStatus,
  ImportChainsRequestSchema,
  type RevocationService,
  type RevokedRecord,
  type StoredAuthority,
  type StoredChain,
} from "@trust-registry/proto"
import { type ArchiveFile, openArchive } from "./archiveFile.js"
import type { EntryKind } from "./archiveFormat.js"
import { type Attempted, agentIdOf, type Sent } from "./chainImport.js"
import {
  AuthorityExistsError,
  AuthorityInvalidError,
  AuthorityNotFoundError,
  TrustStoreError,
} from "./errors.js"
import type { ImportOptions } from "./importOrder.js"
import type { CallOptions } from "./options.js"
import type { Calls } from "./rpc/calls.js"

/** What became of an entry of an archive. */
export interface ArchiveResult {
  kind: Exclude<EntryKind, "change">
  /** Its line in the file. */
  line: number
  /** The agent or the authority. */
  id: string
  /**
   * Whether it is new; false: it was stored before. Revoked records are stored many at once, and of those as many are called new as
   * were, whichever.
   */
  created: boolean
  /** Where it is a chain: the record of the stored chain. */
  record?: ChainRecord | undefined
  /** Why it is not stored. */
  error?: TrustStoreError | undefined
}

/** What an archive is imported into. */
export interface ArchiveTarget
  extends Pick<Calls<typeof RevocationService, CallOptions>, "importRevokedRecords">,
    Pick<Calls<typeof AuthorityService, CallOptions>, "registerAuthority"> {
  getAuthority(request: { authorityId: string }, options?: CallOptions): Promise<StoredAuthority>
  /** Imports chains in any order, and none without a delegator that was refused. */
  importInOrder(chains: AsyncIterable<Sent>, options?: ImportOptions): AsyncIterable<Attempted>
}

/**
 * Imports an archive from a file, and yields what became of each entry. The order denies: first all that is revoked, then the
 * authorities, then what was purged, then the chains in their states, delegators first. Nothing is written before the whole file
 * was checked. Ended early, it can be run again: what is stored is not stored twice.
 *
 * @throws ArchiveError if the file is no whole archive; TrustStoreError if what is revoked cannot be stored, before anything else is
 */
export async function* archiveImport(
  target: ArchiveTarget,
  file: string,
  options?: CallOptions,
): AsyncGenerator<ArchiveResult> {
  const archive = await openArchive(file)
  yield* revokedRecords(target, archive, options)
  yield* authorities(target, archive, options)
  yield* chains(target, tombstonesOf(archive), options)
  yield* chains(target, chainsOf(archive), options)
}

/** Most records of a call. */
const BATCH = 500

async function* revokedRecords(target: ArchiveTarget, archive: ArchiveFile, options?: CallOptions) {
  let batch: { line: number; entry: RevokedRecord }[] = []
  const send = async () => {
    const records = batch.map(({ entry }) => entry)
    const { created } = await target.importRevokedRecords({ records }, options)
    const results = batch.map(
      ({ line, entry }, place): ArchiveResult => ({
        kind: "revoked",
        line,
        id: entry.agentId || entry.authorityId,
        created: place < created,
      }),
    )
    batch = []
    return results
  }
  // At least once: a registry that does not know this call would not know the states of chains either.
  yield* await send()
  for await (const revoked of archive.entries("revoked")) {
    // A lifted suspension denies nothing.
    if (revoked.entry.liftedAt) continue
    batch.push(revoked)
    if (batch.length === BATCH) yield* await send()
  }
  if (batch.length > 0) yield* await send()
}

/** Registers the authorities, again and again those whose parent came later in the file, until no more can be. */
async function* authorities(target: ArchiveTarget, archive: ArchiveFile, options?: CallOptions) {
  const done = new Set<number>()
  for (let progress = true, last = false; progress || last; ) {
    progress = false
    let waiting = 0
    for await (const { line, entry } of archive.entries("authority")) {
      if (done.has(line)) continue
      const result = await registered(target, entry, archive, options)
      if (result.error instanceof AuthorityNotFoundError && !last) {
        waiting++
        continue
      }
      progress = true
      done.add(line)
      yield { kind: "authority" as const, line, id: entry.authority?.id ?? "", ...result }
    }
    if (waiting === 0) return
    last = !progress
  }
}

async function registered(
  target: ArchiveTarget,
  { authority, record, documents }: StoredAuthority,
  archive: ArchiveFile,
  options?: CallOptions,
): Promise<Pick<ArchiveResult, "created" | "error">> {
  const id = authority?.id ?? ""
  const inactive = record?.isActive !== true
  const request = { inactive, imported: true, ...(authority && { authority }) }
  try {
    try {
      const requestId = requestIdOf(archive, "authority", id)
      await target.registerAuthority({ ...request, requestId, documents }, options)
    } catch (error) {
      if (!isOfDocuments(error)) throw error
      // UNSIGNED denies more than documents that cannot be checked.
      const requestId = requestIdOf(archive, "authority", `${id}\nwithout documents`)
      await target.registerAuthority({ ...request, requestId }, options)
    }
    return { created: true }
  } catch (error) {
    if (!(error instanceof TrustStoreError) || !isItsOwn(error)) throw error
    if (!(error instanceof AuthorityExistsError) || !authority) return { created: false, error }
    const present = await target.getAuthority({ authorityId: id }, options)
    const same = present.record?.isActive === !inactive && isSame(present.authority, authority)
    return same ? { created: false } : { created: false, error }
  }
}

/** Whether it is the documents that are refused, such as one that was made by hand, and not the authority. */
function isOfDocuments(error: unknown): boolean {
  return (
    error instanceof AuthorityInvalidError &&
    error.violations.some(({ field }) => field.startsWith("documents"))
  )
}

/** Whether the error is about the entry, and the next may succeed. */
function isItsOwn({ reason }: TrustStoreError): boolean {
  return reason?.startsWith("AUTHORITY_") === true || reason === "REQUEST_ID_REUSED"
}

/** When a key was revoked here is not when it was revoked there. */
function isSame(one: Authority | undefined, other: Authority): boolean {
  return one !== undefined && equals(AuthoritySchema, undated(one), undated(other))
}

function undated(authority: Authority): Authority {
  const keys = authority.keys.map((key) =>
    key.revokedAt ? { ...key, revokedAt: create(TimestampSchema) } : key,
  )
  return { ...authority, keys }
}

async function* tombstonesOf(archive: ArchiveFile): AsyncGenerator<Sent> {
  for await (const { line, entry } of archive.entries("purged")) {
    const purgedRequestId = requestIdOf(archive, "purged", entry.agentId)
    yield { index: line, request: create(ImportChainsRequestSchema, { purged: entry, purgedRequestId }) }
  }
}

async function* chainsOf(archive: ArchiveFile): AsyncGenerator<Sent> {
  for await (const { line, entry } of archive.entries("chain"))
    yield { index: line, request: chainRequest(entry, archive) }
}

function chainRequest({ chain, record }: StoredChain, archive: ArchiveFile) {
  const { agentId = "", expiresAt, chainHash = "", status = ChainStatus.REVOKED } = record ?? {}
  const request = {
    chainHash,
    requestId: requestIdOf(archive, "chain", agentId),
    ...(chain && { chain }),
    // The registration may expire before the chain does.
    ...(expiresAt && { expiresAt }),
  }
  return create(ImportChainsRequestSchema, { request, status: status || ChainStatus.REVOKED })
}

async function* chains(
  target: ArchiveTarget,
  sent: AsyncIterable<Sent>,
  options?: CallOptions,
): AsyncGenerator<ArchiveResult> {
  for await (const { index, request, stored, error } of target.importInOrder(sent, options)) {
    const kind = request.purged ? "purged" : "chain"
    const id = agentIdOf(request) ?? ""
    yield { kind, line: index, id, created: stored?.created === true, record: stored?.record, error }
  }
}

/** The same for the same entry of the same archive, so that a second run gets the results of the first. */
function requestIdOf({ sha256 }: ArchiveFile, kind: EntryKind, id: string): string {
  const bytes = createHash("sha256").update(`${sha256}\n${kind}\n${id}`).digest().subarray(0, 16)
  // A UUID of version 8 (RFC 9562), whose bits are the maker's.
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
}
