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
import { failureOf, nameOf } from "./failure.js"
import { type CallOptions, MAX_MESSAGE_BYTES } from "./options.js"
import type { Call } from "./rpc/calls.js"
import { assertWellFormed } from "./rpc/wellFormed.js"

/** A chain to import, as `storeChain` takes it. */
export type ChainToImport = MessageInitShape<typeof StoreChainRequestSchema>

/** The result for one chain of an import: `stored`, or the `error` that `storeChain` would have rejected with. */
export type ImportedChain = StoreResult & {
  /** The index of the chain among the given ones, from 0. */
  index: number
}

type ImportChains = Call<(typeof TrustStoreService)["method"]["importChains"], CallOptions>

/** Most chains in progress; the registry processes no more at once. */
const MAX_OPEN = 2_000

interface Open {
  index: number
  agentId: string | undefined
  /** The reason why it was not sent. */
  error?: TrustStoreError
}

/**
 * Imports chains by the RPC ImportChains and yields their results in order. It takes the next chain only when there is room,
 * so a caller who does not read results is not asked for chains. A chain without a request_id gets one.
 *
 * @param written receives the response to each chain that was stored
 */
export async function* importChains(
  call: ImportChains,
  chains: AsyncIterable<ChainToImport> | Iterable<ChainToImport>,
  options?: CallOptions,
  written?: (answer: object) => void,
): AsyncGenerator<ImportedChain> {
  const open: Open[] = []
  const left = new AbortController()
  let wakeSource = () => {}
  let wakeReader = () => {}

  const requests = async function* () {
    let index = 0
    for await (const chain of chains) {
      while (open.length >= MAX_OPEN && !left.signal.aborted)
        await new Promise<void>((resolve) => {
          wakeSource = resolve
        })
      if (left.signal.aborted) return
      const entry: Open = { index: index++, agentId: chain.chain?.genesis?.agentId }
      open.push(entry)
      const request = readied(chain, entry)
      if (request) yield request
      else wakeReader()
    }
  }

  const signal = options?.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal
  const source = requests()
  let replies: AsyncIterator<ImportChainsResponse> | undefined
  // Opens no call when there is nothing to import.
  const begin = async () => {
    const first = await Promise.race([source.next(), whenAborted(signal)])
    if (first?.done) return { done: true, value: undefined } as const
    replies = call(first ? behind(first.value, source) : source, { ...options, signal })[
      Symbol.asyncIterator
    ]()
    return await replies.next()
  }
  try {
    let next = begin()
    for (;;) {
      const first = open[0]
      if (first?.error) {
        open.shift()
        yield { index: first.index, error: first.error }
        wakeSource()
        continue
      }
      const unsent = new Promise<undefined>((resolve) => {
        wakeReader = () => resolve(undefined)
      })
      const reply = await Promise.race([next, unsent])
      if (!reply) continue
      if (reply.done) {
        if (open[0]?.error) continue
        return
      }
      next = (replies as AsyncIterator<ImportChainsResponse>).next() as typeof next
      next.catch(() => undefined)
      open.shift()
      wakeSource()
      const result = storeResult(METHOD, reply.value.result, first?.agentId)
      if (result.stored) written?.(result.stored)
      yield { index: first?.index ?? 0, ...result }
    }
  } finally {
    left.abort()
    wakeSource()
  }
}

async function* behind<Item>(first: Item, rest: AsyncIterable<Item>) {
  yield first
  yield* rest
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener("abort", () => resolve(undefined), { once: true })
  })
}

const METHOD = TrustStoreService.method.importChains

/** Returns the request to send, or undefined if it cannot be sent; then `entry.error` is the error that the registry would send. */
function readied(toStore: ChainToImport, entry: Open): ImportChainsRequest | undefined {
  const store = create(StoreChainRequestSchema, { ...toStore, requestId: toStore.requestId || randomUUID() })
  const request = create(ImportChainsRequestSchema, { request: store })
  try {
    assertWellFormed(ImportChainsRequestSchema, request)
  } catch (error) {
    entry.error = failureOf(METHOD, error) as TrustStoreError
    return undefined
  }
  // A larger message would fail the whole stream.
  if (!store.chain || encodedLength(TrustLineageChainSchema, store.chain) <= MAX_CHAIN_BYTES) return request
  const message = `the request is larger than ${MAX_MESSAGE_BYTES} bytes, the most that a registry accepts`
  entry.error = new TrustStoreError(message, { code: status.RESOURCE_EXHAUSTED, method: nameOf(METHOD) })
  return undefined
}

/** The other fields of a request take less than this. */
const REST_BYTES = 2_048
const MAX_CHAIN_BYTES = MAX_MESSAGE_BYTES - REST_BYTES
