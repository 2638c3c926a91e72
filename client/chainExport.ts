import type { MessageInitShape } from "@bufbuild/protobuf"
import { status } from "@grpc/grpc-js"
import type {
  ExportChainsRequestSchema,
  ExportChainsResponse,
  StoredChain,
  TrustStoreService,
} from "@trust-registry/proto"
import { TrustStoreError } from "./errors.js"
import type { CallOptions } from "./options.js"
import { resumption } from "./resume.js"
import type { Call } from "./rpc/calls.js"

/** Which chains to export. */
export type ExportRequest = MessageInitShape<typeof ExportChainsRequestSchema> & {
  includePurged?: false
}

/** A chain of an export, or the record of one that was purged. */
export type ExportedPart = Exclude<ExportChainsResponse["part"], { case: "snapshotRevision" | undefined }>

/**
 * The chains of an export as they were at its snapshot: iterate it once. It resumes by itself when the connection, the server or
 * the database comes back. One that fails for good can be resumed by another request with `afterAgentId` (the last agent it
 * returned) and `snapshotRevision`.
 */
export interface ChainExport extends AsyncIterable<StoredChain> {
  /** The revision of the snapshot. Undefined until the registry has sent it, which is before the first chain. */
  readonly snapshotRevision: bigint | undefined
}

type ExportChains = Call<(typeof TrustStoreService)["method"]["exportChains"], CallOptions>

/**
 * Returns an export that calls ExportChains when it is iterated.
 *
 * @param patienceMs how long it retries without a response, in milliseconds
 * @param isOpen whether the caller has not closed the connection
 */
export function chainExport(
  call: ExportChains,
  request: ExportRequest,
  options: CallOptions | undefined,
  patienceMs: number,
  isOpen: () => boolean,
): ChainExport {
  const parts = exportedParts(call, request, options, patienceMs, isOpen)
  return {
    get snapshotRevision() {
      return parts.snapshotRevision
    },
    async *[Symbol.asyncIterator]() {
      for await (const { case: kind, value } of parts) if (kind === "stored") yield value
    },
  }
}

/** Like {@link chainExport}, with the records of purged chains if the request asks for them. */
export function exportedParts(
  call: ExportChains,
  request: MessageInitShape<typeof ExportChainsRequestSchema>,
  options: CallOptions | undefined,
  patienceMs: number,
  isOpen: () => boolean,
): AsyncIterable<ExportedPart> & Pick<ChainExport, "snapshotRevision"> {
  let snapshotRevision: bigint | undefined
  return {
    get snapshotRevision() {
      return snapshotRevision
    },
    async *[Symbol.asyncIterator]() {
      const resuming = resumption(options, patienceMs)
      for (let resumed = request; ; await resuming.wait()) {
        try {
          for await (const { part, includesPurged } of call(resumed, resuming.options())) {
            resuming.progressed()
            // An older registry would leave them out without a word.
            if (part.case === "snapshotRevision" && request.includePurged && !includesPurged) throw tooOld()
            if (part.case === "stored") {
              yield part
              resumed = { ...resumed, afterAgentId: part.value.record?.agentId ?? "" }
            } else if (part.case === "purged") {
              yield part
              resumed = { ...resumed, afterPurgedAgentId: part.value.agentId }
            } else if (part.case === "snapshotRevision") {
              snapshotRevision = part.value
              resumed = { ...resumed, snapshotRevision: part.value }
            }
          }
          return
        } catch (error) {
          if (!isOpen() || !resuming.mayMend(error)) throw error
        }
      }
    },
  }
}

function tooOld() {
  const message = "the registry is too old to make an archive: upgrade its server first"
  return new TrustStoreError(message, { code: status.UNIMPLEMENTED, reason: "INVALID_REQUEST" })
}
