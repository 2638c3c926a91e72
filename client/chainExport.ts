import type { MessageInitShape } from "@bufbuild/protobuf"
import type { ExportChainsRequestSchema, StoredChain, TrustStoreService } from "@trust-registry/proto"
import type { CallOptions } from "./options.js"
import { resumption } from "./resume.js"
import type { Call } from "./rpc/calls.js"

/** Which chains to export. */
export type ExportRequest = MessageInitShape<typeof ExportChainsRequestSchema>

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
  let snapshotRevision: bigint | undefined
  return {
    get snapshotRevision() {
      return snapshotRevision
    },
    async *[Symbol.asyncIterator]() {
      const resuming = resumption(options, patienceMs)
      for (let resumed = request; ; await resuming.wait()) {
        try {
          for await (const { part } of call(resumed, resuming.options())) {
            resuming.progressed()
            if (part.case === "stored") {
              yield part.value
              resumed = { ...resumed, afterAgentId: part.value.record?.agentId ?? "" }
            } else {
              snapshotRevision = part.value
              resumed = { ...resumed, snapshotRevision: part.value ?? 0n }
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
