import { takeTurn } from "@trust-registry/eatp"
import type { StoreChainRequest } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Document, Outcome, Write } from "../../store/chains/writes.js"
import type { Store } from "../../store/store.js"
import {
  type ChainRules,
  type CommonWrite,
  commonOf,
  MAX_VALIDATIONS,
  signersKeepChanging,
} from "../chains/chainWrites.js"
import { type CheckedDocument, checkedDocument } from "../chains/document.js"
import { acceptedRecord } from "../chains/outcomes.js"
import { validateChain } from "../chains/validation.js"
import { assureExpectedRevision, assureRequestId } from "../request/fields.js"
import { createBatchReader } from "./batchReader.js"
import { batchRefused, endsAll } from "./bulkWrite.js"
import { prefixOf, type StoreResult } from "./manyStores.js"

/** Stores chains of different agents, all or none; `order` lists their indexes, delegators first. */
export type StoreTogether = (
  requests: readonly StoreChainRequest[],
  order: readonly number[],
  context: RpcContext,
) => Promise<StoreResult[]>

/** Why chains were refused, by index. */
type Refusals = Map<number, RegistryError>

/** Creates the function that stores chains together. */
export function createStoreTogether(store: Store, rules: ChainRules): StoreTogether {
  /** The writes, each validated against what is stored and the batch itself. */
  const validated = (
    documents: CheckedDocument[],
    requests: readonly StoreChainRequest[],
    commons: CommonWrite[],
    order: readonly number[],
    refusals: Refusals,
    signal: AbortSignal,
  ) => {
    const batch = createBatchReader(store.memory)
    return eachOf(order, refusals, async (place): Promise<Write> => {
      const { agentId, chain, ...document } = documents[place] as CheckedDocument
      const validation = await validateChain(batch, chain, rules, { account: store.account, signal })
      batch.add({ ...document, agentId, signatureStatus: validation.signatureStatus })
      const depends = batch.othersOf(validation.depends)
      return {
        ...(commons[place] as CommonWrite),
        operation: "store",
        agentId,
        allowed: requests[place] as StoreChainRequest,
        document: { ...document, ...validation, depends },
      }
    })
  }

  return async (requests, order, context) => {
    const refusals: Refusals = new Map()
    const commons = requests.map((request) => commonOf(request, context.actor))
    const documents = await eachOf(requests.keys(), refusals, (place) =>
      checked(requests[place] as StoreChainRequest, rules, store.now()),
    )
    for (let attempt = 0; refusals.size === 0; attempt++) {
      if (attempt === MAX_VALIDATIONS) throw signersKeepChanging()
      const writes = await validated(documents, requests, commons, order, refusals, context.signal)
      if (refusals.size > 0) break
      const { outcomes, refused } = await store.chains.writeAll(writes)
      if (outcomes) return storedResults(writes, outcomes)
      if (isStale(refused))
        for (const { document } of writes) store.memory.forget((document as Document).depends)
      else
        await eachOf(refused.keys(), refusals, (place) =>
          acceptedRecord(writes[place] as Write, refused.get(place) as Outcome),
        )
    }
    return refusedResults(requests, refusals, context)
  }
}

/** Processes items one after the other and returns the answers by index; records refusals. */
async function eachOf<Answer>(
  places: Iterable<number>,
  refusals: Refusals,
  work: (place: number) => Promise<Answer> | Answer,
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const place of places) {
    try {
      answers[place] = await work(place)
    } catch (error) {
      if (!(error instanceof RegistryError) || endsAll(error)) throw error
      refusals.set(place, error)
    }
    const turn = takeTurn()
    if (turn) await turn
  }
  return answers
}

function checked(request: StoreChainRequest, rules: ChainRules, now: bigint): Promise<CheckedDocument> {
  assureExpectedRevision(request.expectedRevision, 0n)
  assureRequestId(request.requestId)
  return checkedDocument(request, rules, now)
}

function isStale(refused: Map<number, Outcome>): boolean {
  return [...refused.values()].some(({ outcome }) => outcome === "stale")
}

function storedResults(writes: Write[], outcomes: Outcome[]): StoreResult[] {
  return outcomes.map((outcome, place) => {
    const record = acceptedRecord(writes[place] as Write, outcome)
    return { case: "stored", value: { record, created: outcome.operation === "created" } }
  })
}

function refusedResults(
  requests: readonly StoreChainRequest[],
  refusals: Refusals,
  context: RpcContext,
): StoreResult[] {
  const first = `requests[${Math.min(...refusals.keys())}]`
  return requests.map(({ chain }, place) => {
    const error = refusals.get(place) ?? batchRefused("stored", first, chain?.genesis?.agentId)
    return { case: "error", value: context.itemError(error, prefixOf(place)) }
  })
}
