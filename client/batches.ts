import { randomUUID } from "node:crypto"
import type { DescMethod, MessageInitShape } from "@bufbuild/protobuf"
import {
  type BatchDeleteChainsRequestSchema,
  type BatchStoreChainsRequestSchema,
  type ChainRecord,
  type DeleteChainResult,
  type StoreChainResponse,
  type StoreChainResult,
  TrustStoreService,
} from "@trust-registry/proto"
import type { TrustStoreError } from "./errors.js"
import { itemFailure } from "./failure.js"
import type { CallOptions } from "./options.js"
import type { Call } from "./rpc/calls.js"

/** The result for one chain of many: `stored`, or the `error` that `storeChain` would have rejected with. */
export type StoreResult =
  | { stored: StoreChainResponse; error?: undefined }
  | { error: TrustStoreError; stored?: undefined }

/**
 * The result for one chain of many: the `record` of the deleted chain or of its tombstone, `unchanged` if it was deleted before, or
 * the `error` that `deleteChain` or `purgeChain` would have rejected with.
 */
export type DeleteResult =
  | { record: ChainRecord; unchanged: boolean; error?: undefined }
  | { error: TrustStoreError; record?: undefined; unchanged?: undefined }

/** Chains to store at once. */
export type BatchStoreRequest = MessageInitShape<typeof BatchStoreChainsRequestSchema>

/** Chains to delete at once. */
export type BatchDeleteRequest = MessageInitShape<typeof BatchDeleteChainsRequestSchema>

type StoreCall = Call<(typeof TrustStoreService)["method"]["batchStoreChains"], CallOptions>
type DeleteCall = Call<(typeof TrustStoreService)["method"]["batchDeleteChains"], CallOptions>

/** Calls BatchStoreChains. A request without a request_id gets one, which retries repeat. */
export async function storeBatch(
  call: StoreCall,
  { requests = [], ...batch }: BatchStoreRequest,
  options?: CallOptions,
): Promise<StoreResult[]> {
  const identified = requests.map((request) => ({ ...request, requestId: request.requestId || randomUUID() }))
  const { results } = await call({ ...batch, requests: identified } as BatchStoreRequest, options)
  const { batchStoreChains } = TrustStoreService.method
  return results.map((result, i) =>
    storeResult(batchStoreChains, result, requests[i]?.chain?.genesis?.agentId),
  )
}

/** Calls BatchDeleteChains. */
export async function deleteBatch(
  call: DeleteCall,
  request: BatchDeleteRequest,
  options?: CallOptions,
): Promise<DeleteResult[]> {
  const { results } = await call(request, options)
  return results.map((result, i) => deleteResult(result, request.agentIds?.[i]))
}

/** Converts a result of the contract to a result of the SDK. */
export function storeResult(
  method: DescMethod,
  item: StoreChainResult | undefined,
  agentId: string | undefined,
): StoreResult {
  if (item?.result.case === "stored") return { stored: item.result.value }
  return { error: itemFailure(method, item?.result.value, agentId) }
}

function deleteResult({ result, unchanged }: DeleteChainResult, agentId: string | undefined): DeleteResult {
  if (result.case === "record") return { record: result.value, unchanged }
  return { error: itemFailure(TrustStoreService.method.batchDeleteChains, result.value, agentId) }
}
