import type { MessageInitShape } from "@bufbuild/protobuf"
import type {
  ChainRecord,
  ExportChainsRequestSchema,
  TrustLineageChain,
  TrustStoreService,
} from "@trust-registry/proto"
import type { CallOptions } from "./options.js"
import type { Call } from "./rpc/calls.js"

/** Which chains to export. */
export type ExportRequest = MessageInitShape<typeof ExportChainsRequestSchema>

/** A chain as it stood at the snapshot. */
export interface ExportedChain {
  /** Undefined where the stored row does not parse. */
  chain: TrustLineageChain | undefined
  record: ChainRecord
}

/**
 * The chains of an export: iterate it once. Where it fails on the way, go on with `afterAgentId` (the last agent it gave) and
 * `snapshotRevision` in another request.
 */
export interface ChainExport extends AsyncIterable<ExportedChain> {
  /** The revision whose state this is; undefined until the registry has told it, before the first chain. */
  readonly snapshotRevision: bigint | undefined
}

type ExportChains = Call<(typeof TrustStoreService)["method"]["exportChains"], CallOptions>

/** An export over the RPC ExportChains; nothing is asked for before it is iterated. */
export function chainExport(call: ExportChains, request: ExportRequest, options?: CallOptions): ChainExport {
  let snapshotRevision: bigint | undefined
  return {
    get snapshotRevision() {
      return snapshotRevision
    },
    async *[Symbol.asyncIterator]() {
      for await (const response of call(request, options)) {
        const { chain, record } = response
        if (record) yield { chain, record }
        else snapshotRevision = response.snapshotRevision
      }
    },
  }
}
