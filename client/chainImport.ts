import { randomUUID } from "node:crypto"
import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { status } from "@grpc/grpc-js"
import {
  encodedLength,
  type ImportChainsRequest,
  ImportChainsRequestSchema,
  type ImportChainsResponse,
  StoreChainRequestSchema,
  TrustLineageChainSchema,
  TrustStoreService,
} from "@trust-registry/proto"
import { type StoreResult, storeResult } from "./batches.js"
import { TrustStoreError } from "./errors.js"
import { failureOf } from "./failure.js"
import type { CallOptions } from "./options.js"
import { resumption } from "./resume.js"
import type { Call } from "./rpc/calls.js"
import { assertWellFormed } from "./rpc/wellFormed.js"
import { MessageTooLargeError, type SendLimit } from "./sendLimit.js"
import { type Upload, uploadOf } from "./upload.js"

/** A chain to import, as `storeChain` takes it. */
export type ChainToImport = MessageInitShape<typeof StoreChainRequestSchema>

/** The result for one chain of an import: `stored`, or the `error` that `storeChain` would have rejected with. */
export type ImportedChain = StoreResult & {
  /** The index of the chain among the given ones, from 0. */
  index: number
}

type ImportChains = Call<(typeof TrustStoreService)["method"]["importChains"], CallOptions>

/** What an import needs of its connection. */
export interface ImportConnection {
  /** The RPC. */
  call: ImportChains
  /** How much the registry accepts. */
  limit: SendLimit
  /** How long it retries without a response, in milliseconds. */
  patienceMs: number
  /** Whether the caller has not closed the connection. */
  isOpen(): boolean
  /** Receives the response to each chain that was stored. */
  written?: ((answer: object) => void) | undefined
}

/** Most chains in progress; the registry processes no more at once. */
const MAX_OPEN = 2_000

/** A chain that was taken and whose result was not yielded yet. */
interface Open {
  index: number
  agentId: string | undefined
  /** What to send, with the same request_id in every attempt; or why it is not sent. */
  request?: ImportChainsRequest
  error?: TrustStoreError
}

/**
 * Imports chains by the RPC ImportChains and yields their results in order. It takes the next chain only when there is room,
 * so a caller who does not read results is not asked for chains. A chain without a request_id gets one. When the
 * connection, the server or the database comes back, it sends what has no result yet again, with the same request ids.
 */
export async function* importChains(
  connection: ImportConnection,
  chains: AsyncIterable<ChainToImport> | Iterable<ChainToImport>,
  options?: CallOptions,
): AsyncGenerator<ImportedChain> {
  const resuming = resumption(options, connection.patienceMs)
  const { limit } = connection
  const upload = uploadOf(chains, (chain: ChainToImport, index) => opened(chain, index, limit), MAX_OPEN)
  try {
    for (;;) {
      try {
        yield* oneCall(connection, upload, resuming.options(), resuming.progressed)
        return
      } catch (error) {
        if (upload.failed || !connection.isOpen() || !resuming.mayMend(error)) throw error
      }
      await resuming.wait()
    }
  } finally {
    upload.leave()
  }
}

/** One call, which begins with what has no result yet; opens none when there is nothing to send. */
async function* oneCall(
  { call, written }: ImportConnection,
  upload: Upload<Open>,
  options: CallOptions,
  progressed: () => void,
): AsyncGenerator<ImportedChain> {
  const left = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal
  let replies: AsyncIterator<ImportChainsResponse> | undefined
  const begin = async () => {
    // Opens no call when there is nothing to import.
    if (!(await upload.some(isSent, signal)) && !signal.aborted) return DONE
    replies = call(requestsOf(upload, left.signal), { ...options, signal })[Symbol.asyncIterator]()
    return await replies.next()
  }
  try {
    let next: Promise<IteratorResult<ImportChainsResponse>> = begin()
    next.catch(() => undefined)
    for (;;) {
      const first = upload.first()
      if (first?.error) {
        upload.shift()
        yield { index: first.index, error: first.error }
        continue
      }
      const reply = await Promise.race([next, upload.added()])
      if (!reply) continue
      if (reply.done) {
        const open = upload.first()
        if (open?.error) continue
        // A proxy may end a stream with the status OK.
        if (open)
          throw new TrustStoreError("the connection ended before all results", { code: status.UNAVAILABLE })
        return
      }
      next = (replies as AsyncIterator<ImportChainsResponse>).next()
      next.catch(() => undefined)
      progressed()
      const { index = 0, agentId } = upload.shift() ?? {}
      const result = storeResult(METHOD, reply.value.result, agentId)
      if (result.stored) written?.(result.stored)
      yield { index, ...result }
    }
  } finally {
    left.abort()
  }
}

const DONE: IteratorResult<ImportChainsResponse> = { done: true, value: undefined }

async function* requestsOf(upload: Upload<Open>, left: AbortSignal) {
  for await (const { request } of upload.items(left)) if (request) yield request
}

function isSent({ request }: Open) {
  return request !== undefined
}

const METHOD = TrustStoreService.method.importChains

/** Returns the request to send, or the error that the registry would send for one that cannot be sent. */
async function opened(toStore: ChainToImport, index: number, limit: SendLimit): Promise<Open> {
  const store = create(StoreChainRequestSchema, { ...toStore, requestId: toStore.requestId || randomUUID() })
  const request = create(ImportChainsRequestSchema, { request: store })
  const entry = { index, agentId: toStore.chain?.genesis?.agentId }
  try {
    assertWellFormed(ImportChainsRequestSchema, request)
  } catch (error) {
    return { ...entry, error: failureOf(METHOD, error) as TrustStoreError }
  }
  // A larger message would fail the whole stream.
  const bytes = store.chain ? encodedLength(TrustLineageChainSchema, store.chain) + REST_BYTES : 0
  if (bytes <= LEAST_LIMIT_BYTES || bytes <= (await limit.learn())) return { ...entry, request }
  const error = failureOf(METHOD, new MessageTooLargeError(limit.bytes)) as TrustStoreError
  return { ...entry, error }
}

/** The other fields of a request take less than this. */
const REST_BYTES = 2_048
/** Every registry takes so much. */
const LEAST_LIMIT_BYTES = 65_536
