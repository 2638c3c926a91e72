import { randomUUID } from "node:crypto"
import type { DescMethod, MessageInitShape } from "@bufbuild/protobuf"
import {
  type BatchStoreChainsRequestSchema,
  type StoreChainResponse,
  type StoreChainResult,
  TrustStoreService,
} from "@trust-registry/proto"
import type { TrustStoreError } from "./errors.js"
import { itemFailure } from "./failure.js"
import type { CallOptions } from "./options.js"
import type { Call } from "./rpc/calls.js"

/** What came of one chain of many: `stored`, or the `error` that `storeChain` would have rejected with. */
export type StoreResult =
  | { stored: StoreChainResponse; error?: undefined }
  | { error: TrustStoreError; stored?: undefined }

/** A result of the contract as the SDK gives it. */
export function storeResult(method: DescMethod, result: StoreChainResult["result"]): StoreResult {
  if (result.case === "stored") return { stored: result.value }
  return { error: itemFailure(method, result.value) }
}

/** Chains to store at once. */
export type BatchStoreRequest = MessageInitShape<typeof BatchStoreChainsRequestSchema>

type BatchStoreChains = Call<(typeof TrustStoreService)["method"]["batchStoreChains"], CallOptions>

/** Stores over the RPC BatchStoreChains; each chain gets a request_id where it has none, the same for all attempts. */
export async function storeBatch(
  call: BatchStoreChains,
  { requests = [], ...batch }: BatchStoreRequest,
  options?: CallOptions,
): Promise<StoreResult[]> {
  const identified = requests.map((request) => ({ ...request, requestId: request.requestId || randomUUID() }))
  const { results } = await call({ ...batch, requests: identified } as BatchStoreRequest, options)
  return results.map(({ result }) => storeResult(TrustStoreService.method.batchStoreChains, result))
}
