import { randomUUID } from "node:crypto"
import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { status } from "@grpc/grpc-js"
import {
  encodedLength,
  type ImportChainsRequest,
  ImportChainsRequestSchema,
  type ImportChainsResponse,
  TrustLineageChainSchema,
  TrustStoreService,
} from "@trust-registry/proto"
import { TrustStoreError } from "./errors.js"
import { failureOf, nameOf } from "./failure.js"
import { type CallOptions, MAX_MESSAGE_BYTES } from "./options.js"
import type { Call } from "./rpc/calls.js"
import { assertWellFormed } from "./rpc/wellFormed.js"
import { type StoreResult, storeResult } from "./storeResult.js"

/** A chain to import, as `storeChain` takes it. */
export type ChainToImport = MessageInitShape<typeof ImportChainsRequestSchema>

/** What came of one chain of an import: `stored`, or the `error` that `storeChain` would have rejected with. */
export type ImportedChain = StoreResult & {
  /** Which of the chains that were given, from 0. */
  index: number
}

type ImportChains = Call<(typeof TrustStoreService)["method"]["importChains"], CallOptions>

/** Most chains that were given and not answered yet; the registry works on no more at once. */
const MAX_OPEN = 2_000

interface Open {
  index: number
  /** Why it was not sent at all. */
  error?: TrustStoreError
}

/**
 * Imports chains over the RPC ImportChains: gives the result of each in their order. The next chain is asked for when there is
 * room, so that whoever takes no results is given no chains; each gets a request_id where it has none.
 *
 * @param written hears the answer to each chain that was stored
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
      const entry: Open = { index: index++ }
      open.push(entry)
      const request = readied(chain, entry)
      if (request) yield request
      else wakeReader()
    }
  }

  const signal = options?.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal
  const source = requests()
  let replies: AsyncIterator<ImportChainsResponse> | undefined
  // No line is opened for nothing.
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
      if (reply.value.result.case === "stored") written?.(reply.value.result.value)
      yield { index: first?.index ?? 0, ...storeResult(METHOD, reply.value.result) }
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

/** The request as it is sent; undefined for one that cannot travel, which is refused here as the registry would. */
function readied(chain: ChainToImport, entry: Open): ImportChainsRequest | undefined {
  const request = create(ImportChainsRequestSchema, { ...chain, requestId: chain.requestId || randomUUID() })
  try {
    assertWellFormed(ImportChainsRequestSchema, request)
  } catch (error) {
    entry.error = failureOf(METHOD, error) as TrustStoreError
    return undefined
  }
  // It would end the whole stream.
  if (!request.chain || encodedLength(TrustLineageChainSchema, request.chain) <= MAX_CHAIN_BYTES)
    return request
  const message = `the request is larger than the ${MAX_MESSAGE_BYTES} bytes that a registry takes`
  entry.error = new TrustStoreError(message, { code: status.RESOURCE_EXHAUSTED, method: nameOf(METHOD) })
  return undefined
}

/** The rest of a request takes less than this. */
const REST_BYTES = 2_048
const MAX_CHAIN_BYTES = MAX_MESSAGE_BYTES - REST_BYTES
