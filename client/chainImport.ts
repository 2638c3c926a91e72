import type { MessageInitShape } from "@bufbuild/protobuf"
import { status } from "@grpc/grpc-js"
import {
  encodedLength,
  type ImportChainsRequest,
  ImportChainsRequestSchema,
  type ImportChainsResponse,
  type StoreChainRequestSchema,
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

/** What an import sends, with the index of its chain among the given ones. */
export interface Sent {
  index: number
  request: ImportChainsRequest
}

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

/** A chain that was taken and whose result was not yielded yet: sent with the same request_id in every attempt. */
interface Open extends Sent {
  /** Why it is not sent. */
  error?: TrustStoreError
}

/** The result of one attempt, with what was sent. */
export type Attempted = ImportedChain & Sent

/**
 * Imports chains by the RPC ImportChains and yields their results in order. It takes the next chain only when there is room,
 * so a caller who does not read results is not asked for chains. When the connection, the server or the database comes back, it
 * sends what has no result yet again, with the same request ids.
 */
export async function* importOnce(
  connection: ImportConnection,
  chains: AsyncIterable<Sent> | Iterable<Sent>,
  options?: CallOptions,
): AsyncGenerator<Attempted> {
  const resuming = resumption(options, connection.patienceMs)
  const { limit } = connection
  const upload = uploadOf(chains, (sent: Sent) => opened(sent, limit), MAX_OPEN)
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
): AsyncGenerator<Attempted> {
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
        yield { ...first, error: first.error }
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
      const sent = upload.shift()
      if (!sent) throw new TrustStoreError("a response to nothing that was sent", { code: status.INTERNAL })
      const result = storeResult(METHOD, reply.value.result, agentIdOf(sent.request))
      if (result.stored) written?.(result.stored)
      yield { index: sent.index, request: sent.request, ...result }
    }
  } finally {
    left.abort()
  }
}

const DONE: IteratorResult<ImportChainsResponse> = { done: true, value: undefined }

async function* requestsOf(upload: Upload<Open>, left: AbortSignal) {
  for await (const { request, error } of upload.items(left)) if (!error) yield request
}

function isSent({ error }: Open) {
  return error === undefined
}

/** The agent that a request is about. */
export function agentIdOf({ request, purged }: ImportChainsRequest): string | undefined {
  return purged?.agentId ?? request?.chain?.genesis?.agentId
}

const METHOD = TrustStoreService.method.importChains

/** Adds the error that the registry would send for what cannot be sent. */
async function opened(sent: Sent, limit: SendLimit): Promise<Open> {
  const { request } = sent
  try {
    assertWellFormed(ImportChainsRequestSchema, request)
  } catch (error) {
    return { ...sent, error: failureOf(METHOD, error) as TrustStoreError }
  }
  // A larger message would fail the whole stream.
  const { chain } = request.request ?? {}
  const bytes = chain ? encodedLength(TrustLineageChainSchema, chain) + REST_BYTES : 0
  if (bytes <= LEAST_LIMIT_BYTES || bytes <= (await limit.learn())) return sent
  return { ...sent, error: failureOf(METHOD, new MessageTooLargeError(limit.bytes)) as TrustStoreError }
}

/** The other fields of a request take less than this. */
const REST_BYTES = 4_096
/** Every registry takes so much. */
const LEAST_LIMIT_BYTES = 65_536
