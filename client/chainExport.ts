import type { MessageInitShape } from "@bufbuild/protobuf"
import type { ExportChainsRequestSchema, StoredChain, TrustStoreService } from "@trust-registry/proto"
import type { CallOptions } from "./options.js"
import type { Call } from "./rpc/calls.js"

/** Which chains to export. */
export type ExportRequest = MessageInitShape<typeof ExportChainsRequestSchema>

/**
 * The chains of an export as they were at its snapshot: iterate it once. To resume an export that failed, send another
 * request with `afterAgentId` (the last agent it returned) and `snapshotRevision`.
 */
export interface ChainExport extends AsyncIterable<StoredChain> {
  /** The revision of the snapshot. Undefined until the registry has sent it, which is before the first chain. */
  readonly snapshotRevision: bigint | undefined
}

type ExportChains = Call<(typeof TrustStoreService)["method"]["exportChains"], CallOptions>

/** Returns an export that calls ExportChains when it is iterated. */
export function chainExport(call: ExportChains, request: ExportRequest, options?: CallOptions): ChainExport {
  let snapshotRevision: bigint | undefined
  return {
    get snapshotRevision() {
      return snapshotRevision
    },
    async *[Symbol.asyncIterator]() {
      for await (const { part } of call(request, options)) {
        if (part.case === "stored") yield part.value
        else snapshotRevision = part.value
      }
    },
  }
}
