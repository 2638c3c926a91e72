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

/** What a call is about. */
export type Asked = Pick<Call, "operation" | "agentId"> &
  Partial<Pick<Call, "requestId" | "expectedRevision" | "freshness" | "includeInactive">> & {
    chain?: Chain
    revocationId?: string
  }

/** Makes the calls of one client and keeps what it was told. */
export interface Recorder {
  ask(server: FleetServer, asked: Asked, timeoutMs?: number): Promise<Call>
  /** Stores several in one call, all or none where it is `atomic`; each is a call of the history. */
  askTogether(server: FleetServer, stores: readonly Asked[], atomic: boolean): Promise<Call[]>
  close(): void
}

/** A call gives up after this; the server does earlier where it can. */
const CALL_MS = scaled(2_500)
/** A thousand chains at once take longer. */
const BATCH_MS = scaled(20_000)
/** So that a server that is back is found at once. */
export const CHANNEL = {
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.min_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 250,
  "grpc.use_local_subchannel_pool": 1,
}

/** A client with lines of its own; what it is told goes to `history`. */
export function createRecorder(client: string, history: Call[]): Recorder {
  const lines = new Map<FleetServer, ReturnType<typeof connectTo>>()
  const lineTo = (server: FleetServer) => {
    const line = lines.get(server) ?? connectTo(server.address, grpc.credentials.createInsecure(), CHANNEL)
    lines.set(server, line)
    return line
  }
  /** Makes a call of the client, and keeps what it was told of each thing that it asked. */
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
  // Which of them was at fault is not told of the others.
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
  // Of an agent that nobody knows of yet any revision will do.
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

/** The hash of what came, rather than the one that came with it. */
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

/** Without details nobody of ours has answered: a line was lost, or time ran out. */
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
