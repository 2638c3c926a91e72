import { create, type MessageInitShape } from "@bufbuild/protobuf"
import * as grpc from "@grpc/grpc-js"
import { contentHash } from "@trust-registry/eatp"
import {
  type ChainRecord,
  ChainStatus,
  type GetChainResponse,
  type Revocation,
  RevocationMode,
  RevocationService,
  type StoreChainResult,
  TrustLineageChainSchema,
  TrustStoreService,
} from "@trust-registry/proto"
import { connectTo, detailsIn, detailsOf } from "../support/calls.js"
import { scaled } from "../support/slowness.js"
import type { FleetServer } from "./fleet.js"
import type { Call, Freshness, Outcome } from "./history.js"

type Chain = MessageInitShape<typeof TrustLineageChainSchema>

/** The content of a call. */
export type CallRequest = Pick<Call, "operation" | "agentId"> &
  Partial<Pick<Call, "requestId" | "expectedRevision" | "freshness" | "includeInactive">> & {
    chain?: Chain
    revocationId?: string
  }

/** Makes the calls of one client and records their outcomes. */
export interface Recorder {
  call(server: FleetServer, request: CallRequest, timeoutMs?: number): Promise<Call>
  /** Stores several chains in one call, optionally `atomic`. Each is recorded as its own call. */
  callBatch(server: FleetServer, stores: readonly CallRequest[], atomic: boolean): Promise<Call[]>
  close(): void
}

/** The deadline of a call, longer than the server's own. */
const CALL_MS = scaled(2_500)
/** The deadline of a batch, which may hold 1,000 chains. */
const BATCH_MS = scaled(20_000)
/** Reconnects quickly, so that a restarted server is found at once. */
export const CHANNEL = {
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.min_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 250,
  "grpc.use_local_subchannel_pool": 1,
}

/** Creates a client with its own connections that records its calls in `history`. */
export function createRecorder(client: string, history: Call[]): Recorder {
  const lines = new Map<FleetServer, ReturnType<typeof connectTo>>()
  const lineTo = (server: FleetServer) => {
    const line = lines.get(server) ?? connectTo(server.address, grpc.credentials.createInsecure(), CHANNEL)
    lines.set(server, line)
    return line
  }
  /** Makes a call, and records the outcome of each of its items. */
  const keep = async (server: FleetServer, all: readonly CallRequest[], run: () => Promise<Outcome[]>) => {
    const life = server.life
    const invokedAt = performance.now()
    const outcomes = await run()
    const answered = {
      client,
      server: server.index,
      life: server.life === life ? life : undefined,
      invokedAt,
      endedAt: performance.now(),
    }
    const calls = all.map(({ chain, revocationId: _, ...request }, place): Call => {
      const document = chain ? { contentHash: contentHash(create(TrustLineageChainSchema, chain)) } : {}
      return { ...request, ...document, ...answered, outcome: outcomes[place] as Outcome }
    })
    history.push(...calls)
    return calls
  }
  return {
    call: async (server, request, timeoutMs = CALL_MS) => {
      const attempt = () =>
        send(lineTo(server), request, { timeoutMs }).catch((error) => failureOf(error, request))
      const [call] = await keep(server, [request], async () => [await attempt()])
      return call as Call
    },
    callBatch: async (server, stores, atomic) => {
      const batch = stores[0]?.requestId as string
      const requests = stores.map((store) => (atomic ? { ...store, batch } : store))
      return await keep(server, requests, () => sendBatch(lineTo(server), stores, atomic))
    },
    close: () => {
      for (const line of lines.values()) line.close()
    },
  }
}

async function send(
  line: ReturnType<typeof connectTo>,
  request: CallRequest,
  options: { timeoutMs: number },
): Promise<Outcome> {
  const store = line.calls(TrustStoreService)
  const revocations = line.calls(RevocationService)
  const { operation, agentId, requestId = "", expectedRevision, chain = {}, revocationId = "" } = request
  const condition = expectedRevision === undefined ? {} : { expectedRevision }
  switch (operation) {
    case "store":
      return recordOutcome((await store.storeChain({ chain, requestId, ...condition }, options)).record)
    case "update":
      return recordOutcome(
        (await store.updateChain({ agentId, chain, requestId, ...condition }, options)).record,
      )
    case "delete":
      return recordOutcome((await store.deleteChain({ agentId, requestId, ...condition }, options)).record)
    case "purge":
      return recordOutcome((await store.purgeChain({ agentId, requestId, ...condition }, options)).record)
    case "restore":
      return recordOutcome((await store.restoreChain({ agentId, requestId, ...condition }, options)).record)
    case "revoke":
      return revocationOutcome((await revocations.revokeAgent({ agentId, requestId }, options)).revocation)
    case "suspend": {
      const request = { agentId, requestId, mode: RevocationMode.SUSPEND }
      return revocationOutcome((await revocations.revokeAgent(request, options)).revocation)
    }
    case "lift":
      return revocationOutcome(
        (await revocations.liftSuspension({ revocationId, requestId }, options)).revocation,
      )
    case "read":
      return readOutcome(await store.getChain(readOf(request), options))
    case "hand":
    case "watch":
      throw new Error("no call")
  }
}

async function sendBatch(
  line: ReturnType<typeof connectTo>,
  stores: readonly CallRequest[],
  atomic: boolean,
): Promise<Outcome[]> {
  const requests = stores.map(({ chain = {}, requestId = "" }) => ({ chain, requestId }))
  const answer = line.calls(TrustStoreService).batchStoreChains({ requests, atomic }, { timeoutMs: BATCH_MS })
  const results = await answer.then(
    ({ results }) => results.map(({ result }) => itemOutcome(result)),
    (error) => stores.map((store) => failureOf(error, store)),
  )
  // A refused atomic batch does not say which items were at fault.
  return results.map((outcome) =>
    atomic && outcome.kind === "refused" ? { ...outcome, reason: "BATCH_REFUSED" } : outcome,
  )
}

function itemOutcome(result: StoreChainResult["result"]): Outcome {
  if (result.case === "stored") return recordOutcome(result.value.record)
  const info = result.value && detailsIn(result.value).info
  const name = info?.reason ?? ""
  if (UNKNOWN.has(name)) return { kind: "unknown", reason: name }
  if (name !== "REVISION_CONFLICT") return { kind: "refused", reason: name }
  return { kind: "refused", reason: name, current: BigInt(info?.metadata.revision ?? -1) }
}

function readOf({ agentId, includeInactive = false, freshness }: CallRequest) {
  return { agentId, includeInactive, consistency: consistencyOf(freshness) }
}

function consistencyOf(freshness: Freshness = "plain") {
  if (freshness === "strong") return { requirement: { case: "strong", value: true } } as const
  // Revision 0 means that no write of the agent is known yet.
  if (freshness === "plain" || freshness === 0n) return {}
  return { requirement: { case: "minRevision", value: freshness } } as const
}

function recordOutcome(record: ChainRecord | undefined): Outcome {
  if (!record) throw new Error("an answer without a record")
  return {
    kind: "record",
    revision: record.revision,
    contentHash: record.contentHash,
    active: record.status === ChainStatus.ACTIVE,
  }
}

/** Computes the hash of the received chain instead of trusting the record's. */
function readOutcome({ stored }: GetChainResponse): Outcome {
  const { chain, record } = stored ?? {}
  if (!chain) throw new Error("an answer without a chain")
  return { ...recordOutcome(record), contentHash: contentHash(chain) } as Outcome
}

function revocationOutcome(revocation: Revocation | undefined): Outcome {
  if (!revocation) throw new Error("an answer without a revocation")
  const agents = revocation.records.map(({ agentId }) => agentId)
  return { kind: "revocation", revision: revocation.revision, agents }
}

/** An error without details does not come from a server: a connection was lost, or the deadline passed. */
function failureOf(error: grpc.ServiceError, { operation }: CallRequest): Outcome {
  const reason = error.metadata?.get("grpc-status-details-bin").length
    ? detailsOf(error).info?.reason
    : undefined
  if (!reason || UNKNOWN.has(reason)) return { kind: "unknown", reason: reason ?? error.message }
  if (reason === "REVISION_CONFLICT") return { kind: "refused", reason, current: currentOf(error) }
  if (reason === "TRUST_CHAIN_NOT_FOUND" && operation === "read") return { kind: "nothing" }
  return { kind: "refused", reason }
}

const UNKNOWN = new Set(["DATABASE_UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "SHUTTING_DOWN"])

function currentOf(error: grpc.ServiceError): bigint {
  return BigInt(detailsOf(error).info?.metadata.revision ?? -1)
}
