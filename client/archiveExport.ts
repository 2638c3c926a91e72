import { createHash } from "node:crypto"
import type { AuthorityDocument } from "@trust-registry/proto"
import { ARCHIVE_VERSION, type ArchiveCounts, entryLine, lineFor, noCounts } from "./archiveFormat.js"
import type { ExportedPart } from "./chainExport.js"
import type { ChainWatch, WatchRequest } from "./chainWatch.js"
import { RevisionCompactedError, TrustStoreError } from "./errors.js"
import type { RegistryLists } from "./lists.js"
import type { CallOptions } from "./options.js"

/** What to put into an archive. */
export interface ArchiveRequest {
  /** Whether to add every change of every chain that history keeps. Default: false. */
  history?: boolean | undefined
}

/**
 * An archive of a whole registry as it was at one revision: iterate it once for its lines, each with its line feed, and write them
 * all. It resumes by itself as exports do. Without its last line an archive is refused.
 */
export interface ArchiveExport extends AsyncIterable<string> {
  /** The revision that all of it is as of. Undefined until the registry has said it. */
  readonly snapshotRevision: bigint | undefined
  /** How many lines there are so far, by kind. */
  readonly counts: Readonly<ArchiveCounts>
  /** Agents whose stored document does not parse. The archive has them as purged, so that what they delegated stays denied. */
  readonly unreadable: readonly string[]
}

/** What an archive is read from. */
export interface ArchiveSource
  extends Pick<RegistryLists, "listRevokedRecords" | "listAuthorities" | "listAuthorityDocuments"> {
  watchChains(request: WatchRequest, options?: CallOptions): ChainWatch
  /** The chains, active or not, and the tombstones at a revision; at the newest one for 0. */
  parts(
    snapshotRevision: bigint,
    options?: CallOptions,
  ): AsyncIterable<ExportedPart> & { readonly snapshotRevision: bigint | undefined }
}

/** Returns an archive that is read when it is iterated. */
export function archiveExport(
  source: ArchiveSource,
  { history = false }: ArchiveRequest,
  options?: CallOptions,
): ArchiveExport {
  const counts = noCounts()
  const unreadable: string[] = []
  let snapshotRevision: bigint | undefined
  async function* lines() {
    const revision = await newestRevision(source, options)
    snapshotRevision = revision
    yield lineFor({
      trust_registry_archive: ARCHIVE_VERSION,
      snapshot_revision: `${revision}`,
      made_at: new Date().toISOString(),
      history,
    })
    // Revision 0 is the empty registry.
    if (revision === 0n) return
    for await (const record of source.listRevokedRecords({ atRevision: revision, pageSize: 500 }, options))
      yield counted("revoked", entryLine("revoked", record))
    const all = { atRevision: revision, includeInactive: true, pageSize: 1_000 }
    for await (const stored of source.listAuthorities(all, options)) {
      const { record } = stored
      if (stored.unreadable)
        throw new Error(
          `authority ${JSON.stringify(record?.authorityId)} does not parse: no archive is whole without it`,
        )
      const documents = await documentsOf(source, record?.authorityId ?? "", revision, options)
      yield counted("authority", entryLine("authority", { ...stored, documents }))
    }
    for await (const part of source.parts(revision, options)) yield partLine(part)
    if (history)
      for await (const line of changeLines(source, revision, options)) yield counted("change", line)
  }
  const counted = (kind: keyof ArchiveCounts, line: string) => {
    counts[kind]++
    return line
  }
  const partLine = ({ case: kind, value }: ExportedPart) => {
    if (kind === "purged") return counted("purged", entryLine("purged", value))
    if (!value.unreadable) return counted("chain", entryLine("chain", value))
    const { record } = value
    if (!record) throw new Error("the registry returned a chain without its record")
    unreadable.push(record.agentId)
    return counted("purged", entryLine("purged", record))
  }
  return {
    get snapshotRevision() {
      return snapshotRevision
    },
    counts,
    unreadable,
    async *[Symbol.asyncIterator]() {
      const hash = createHash("sha256")
      for await (const line of lines()) {
        hash.update(line)
        yield line
      }
      yield lineFor({ end: counts, sha256: hash.digest("hex") })
    },
  }
}

/** The first response of an export says it. */
async function newestRevision(source: ArchiveSource, options?: CallOptions): Promise<bigint> {
  const parts = source.parts(0n, options)
  for await (const _ of parts) break
  return parts.snapshotRevision ?? 0n
}

/** The documents of an authority at a revision; none if one of them does not parse: the authority is UNSIGNED elsewhere then. */
async function documentsOf(
  source: ArchiveSource,
  authorityId: string,
  atRevision: bigint,
  options?: CallOptions,
): Promise<AuthorityDocument[]> {
  const documents: AuthorityDocument[] = []
  try {
    const list = source.listAuthorityDocuments({ authorityId, atRevision, pageSize: 1_000 }, options)
    for await (const document of list) documents.push(document)
    return documents
  } catch (error) {
    if (error instanceof TrustStoreError && error.reason === "AUTHORITY_CORRUPT") return []
    throw error
  }
}

/** Every change up to a revision, from the oldest that history keeps. */
async function* changeLines(
  source: ArchiveSource,
  revision: bigint,
  options?: CallOptions,
): AsyncGenerator<string> {
  const filter = { includeInactive: true }
  for (let startRevision = 1n; ; ) {
    try {
      for await (const { events, nextRevision } of source
        .watchChains({ startRevision, filter }, options)
        .responses()) {
        for (const { kind } of events) {
          if (kind.case !== "changed" || (kind.value.stored?.record?.revision ?? 0n) > revision) continue
          yield entryLine("change", kind.value)
        }
        startRevision = nextRevision
        if (nextRevision > revision) return
      }
    } catch (error) {
      // Of what was compacted only the newest change of an agent is kept, and that is no history.
      if (!(error instanceof RevisionCompactedError) || error.oldestRevision <= startRevision) throw error
      startRevision = error.oldestRevision
    }
  }
}
