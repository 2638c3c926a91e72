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
import type { Call, Freshness, Told } from "./history.js"

type Chain = MessageInitShape<typeof TrustLineageChainSchema>

/** The content of a call. */
export type Asked = Pick<Call, "operation" | "agentId"> &
  Partial<Pick<Call, "requestId" | "expectedRevision" | "freshness" | "includeInactive">> & {
    chain?: Chain
    revocationId?: string
  }

/** Makes the calls of one client and records their outcomes. */
export interface Recorder {
  ask(server: FleetServer, asked: Asked, timeoutMs?: number): Promise<Call>
  /** Stores several chains in one call, optionally `atomic`. Each is recorded as its own call. */
  askTogether(server: FleetServer, stores: readonly Asked[], atomic: boolean): Promise<Call[]>
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
  const keep = async (server: FleetServer, all: readonly Asked[], tell: () => Promise<Told[]>) => {
    const life = server.life
    const invokedAt = performance.now()
    const told = await tell()
    const answered = {
      client,
      server: server.index,
      life: server.life === life ? life : undefined,
      invokedAt,
      endedAt: performance.now(),
    }
    const calls = all.map(({ chain, revocationId: _, ...asked }, place): Call => {
      const document = chain ? { contentHash: contentHash(create(TrustLineageChainSchema, chain)) } : {}
      return { ...asked, ...document, ...answered, told: told[place] as Told }
    })
    history.push(...calls)
    return calls
  }
  return {
    ask: async (server, asked, timeoutMs = CALL_MS) => {
      const told = () => send(lineTo(server), asked, { timeoutMs }).catch((error) => failureOf(error, asked))
      const [call] = await keep(server, [asked], async () => [await told()])
      return call as Call
    },
    askTogether: async (server, stores, atomic) => {
      const batch = stores[0]?.requestId as string
      const asked = stores.map((store) => (atomic ? { ...store, batch } : store))
      return await keep(server, asked, () => sendTogether(lineTo(server), stores, atomic))
    },
    close: () => {
      for (const line of lines.values()) line.close()
    },
  }
}

async function send(
  line: ReturnType<typeof connectTo>,
  asked: Asked,
  options: { timeoutMs: number },
): Promise<Told> {
  const store = line.calls(TrustStoreService)
  const revocations = line.calls(RevocationService)
  const { operation, agentId, requestId = "", expectedRevision, chain = {}, revocationId = "" } = asked
  const condition = expectedRevision === undefined ? {} : { expectedRevision }
  switch (operation) {
    case "store":
      return recordTold((await store.storeChain({ chain, requestId, ...condition }, options)).record)
    case "update":
      return recordTold(
        (await store.updateChain({ agentId, chain, requestId, ...condition }, options)).record,
      )
    case "delete":
      return recordTold((await store.deleteChain({ agentId, requestId, ...condition }, options)).record)
    case "purge":
      return recordTold((await store.purgeChain({ agentId, requestId, ...condition }, options)).record)
    case "restore":
      return recordTold((await store.restoreChain({ agentId, requestId, ...condition }, options)).record)
    case "revoke":
      return revocationTold((await revocations.revokeAgent({ agentId, requestId }, options)).revocation)
    case "suspend": {
      const request = { agentId, requestId, mode: RevocationMode.SUSPEND }
      return revocationTold((await revocations.revokeAgent(request, options)).revocation)
    }
    case "lift":
      return revocationTold(
        (await revocations.liftSuspension({ revocationId, requestId }, options)).revocation,
      )
    case "read":
      return readTold(await store.getChain(readOf(asked), options))
    case "hand":
    case "watch":
      throw new Error("no call")
  }
}

async function sendTogether(
  line: ReturnType<typeof connectTo>,
  stores: readonly Asked[],
  atomic: boolean,
): Promise<Told[]> {
  const requests = stores.map(({ chain = {}, requestId = "" }) => ({ chain, requestId }))
  const answer = line.calls(TrustStoreService).batchStoreChains({ requests, atomic }, { timeoutMs: BATCH_MS })
  const results = await answer.then(
    ({ results }) => results.map(({ result }) => itemTold(result)),
    (error) => stores.map((store) => failureOf(error, store)),
  )
  // A refused atomic batch does not say which items were at fault.
  return results.map((told) =>
    atomic && told.kind === "refused" ? { ...told, reason: "BATCH_REFUSED" } : told,
  )
}

function itemTold(result: StoreChainResult["result"]): Told {
  if (result.case === "stored") return recordTold(result.value.record)
  const info = result.value && detailsIn(result.value).info
  const name = info?.reason ?? ""
  if (UNKNOWN.has(name)) return { kind: "unknown", reason: name }
  if (name !== "REVISION_CONFLICT") return { kind: "refused", reason: name }
  return { kind: "refused", reason: name, stands: BigInt(info?.metadata.revision ?? -1) }
}

function readOf({ agentId, includeInactive = false, freshness }: Asked) {
  return { agentId, includeInactive, consistency: consistencyOf(freshness) }
}

function consistencyOf(freshness: Freshness = "plain") {
  if (freshness === "strong") return { requirement: { case: "strong", value: true } } as const
  // Revision 0 means that no write of the agent is known yet.
  if (freshness === "plain" || freshness === 0n) return {}
  return { requirement: { case: "minRevision", value: freshness } } as const
}

function recordTold(record: ChainRecord | undefined): Told {
  if (!record) throw new Error("an answer without a record")
  return {
    kind: "record",
    revision: record.revision,
    contentHash: record.contentHash,
    active: record.status === ChainStatus.ACTIVE,
  }
}

/** Computes the hash of the received chain instead of trusting the record's. */
function readTold({ stored }: GetChainResponse): Told {
  const { chain, record } = stored ?? {}
  if (!chain) throw new Error("an answer without a chain")
  return { ...recordTold(record), contentHash: contentHash(chain) } as Told
}

function revocationTold(revocation: Revocation | undefined): Told {
  if (!revocation) throw new Error("an answer without a revocation")
  const agents = revocation.records.map(({ agentId }) => agentId)
  return { kind: "revocation", revision: revocation.revision, agents }
}

/** An error without details does not come from a server: a connection was lost, or the deadline passed. */
function failureOf(error: grpc.ServiceError, { operation }: Asked): Told {
  const reason = error.metadata?.get("grpc-status-details-bin").length
    ? detailsOf(error).info?.reason
    : undefined
  if (!reason || UNKNOWN.has(reason)) return { kind: "unknown", reason: reason ?? error.message }
  if (reason === "REVISION_CONFLICT") return { kind: "refused", reason, stands: standsOf(error) }
  if (reason === "TRUST_CHAIN_NOT_FOUND" && operation === "read") return { kind: "nothing" }
  return { kind: "refused", reason }
}

const UNKNOWN = new Set(["DATABASE_UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "SHUTTING_DOWN"])

function standsOf(error: grpc.ServiceError): bigint {
  return BigInt(detailsOf(error).info?.metadata.revision ?? -1)
}
