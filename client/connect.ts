import { randomUUID } from "node:crypto"
import type { DescMethod, DescService, MessageInitShape } from "@bufbuild/protobuf"
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt"
import { Metadata, status } from "@grpc/grpc-js"
import {
  type AuthorityService,
  type GetAuthorityRequestSchema,
  type GetChainRequestSchema,
  health,
  type RevocationService,
  type ServerInfoService,
  type StoredAuthority,
  type StoredChain,
  type TrustStoreService,
  type TrustVerificationService,
} from "@trust-registry/proto"
import { type ArchiveExport, type ArchiveRequest, archiveExport } from "./archiveExport.js"
import { type ArchiveResult, archiveImport } from "./archiveImport.js"
import { type SignedChanges, signedChanges } from "./authorityWord.js"
import {
  type BatchDeleteRequest,
  type BatchStoreRequest,
  type DeleteResult,
  deleteBatch,
  type StoreResult,
  storeBatch,
} from "./batches.js"
import { type ChainExport, chainExport, type ExportRequest, exportedParts } from "./chainExport.js"
import type { ChainToImport, ImportedChain, Sent } from "./chainImport.js"
import { type ChainWatch, chainWatch, type WatchOptions, type WatchRequest } from "./chainWatch.js"
import { type Channels, openChannels } from "./channel.js"
import { TrustStoreError } from "./errors.js"
import { failureOf, nameOf } from "./failure.js"
import { type ImportOptions, importChains, importInAnyOrder } from "./importOrder.js"
import { assertConnectOptions, deadlineIn } from "./limits.js"
import { listsOver, type RegistryLists } from "./lists.js"
import { nearCache } from "./nearCache.js"
import { type CallOptions, type ConnectOptions, DEFAULT_TIMEOUT_MS, MAX_RESPONSE_BYTES } from "./options.js"
import { sentAgain } from "./resume.js"
import { isRetryable } from "./retry.js"
import { type Caller, type CallerEdge, type Calls, createCalls } from "./rpc/calls.js"
import { MessageTooLargeError, type SendLimit, sendLimit, withinLimit } from "./sendLimit.js"
import { SERVICES } from "./services.js"

/** The RPCs of all {@link SERVICES} as functions. */
type RegistryCalls = Calls<typeof TrustStoreService, CallOptions> &
  Calls<typeof AuthorityService, CallOptions> &
  Calls<typeof TrustVerificationService, CallOptions> &
  Calls<typeof RevocationService, CallOptions> &
  Calls<typeof ServerInfoService, CallOptions>

/** The status of a service, as grpc.health.v1 names it. */
export type ServingStatus = keyof typeof health.HealthCheckResponse_ServingStatus

/**
 * A registry, with its RPCs as functions that return promises. They reject with a {@link TrustStoreError}, or with the
 * reason of the signal that cancelled them. Idempotent calls are retried while the registry is unavailable. A write without
 * `requestId` gets one, which its retries repeat.
 */
export interface TrustRegistry
  extends RegistryLists,
    SignedChanges,
    Omit<
      RegistryCalls,
      | keyof RegistryLists
      | keyof SignedChanges
      | "getChain"
      | "getAuthority"
      | "watchChains"
      | "batchStoreChains"
      | "batchDeleteChains"
      | "importChains"
      | "exportChains"
    > {
  /** Returns the chain of an agent and its record, both set. */
  getChain(
    request: MessageInitShape<typeof GetChainRequestSchema>,
    options?: CallOptions,
  ): Promise<StoredChain>
  /** Returns an authority and its record, both set, even if it is inactive. */
  getAuthority(
    request: MessageInitShape<typeof GetAuthorityRequestSchema>,
    options?: CallOptions,
  ): Promise<StoredAuthority>
  /** Watches changes of chains, and resumes by itself when the connection or the server goes away. */
  watchChains(request?: WatchRequest, options?: WatchOptions): ChainWatch
  /** Stores up to 1,000 chains, with `atomic` all or none; returns the results in the same order. */
  batchStoreChains(request: BatchStoreRequest, options?: CallOptions): Promise<StoreResult[]>
  /**
   * Deletes the chains of up to 1,000 agents, with `purge` for good, with `atomic` all or none; returns the results in the
   * same order.
   */
  batchDeleteChains(request: BatchDeleteRequest, options?: CallOptions): Promise<DeleteResult[]>
  /**
   * Stores chains as they arrive, many at once, and yields the result of each, in order, once it is durable. A chain that comes
   * before its delegator waits in a temporary file for the end of the rest, and its result comes then. If the connection, the
   * database or the server goes away, it sends what has no result yet again with the same request ids, and throws after
   * `timeoutMs` of the connection without a response. Results that were yielded are final, and the other chains can be imported
   * again (with the same request ids each is stored once).
   */
  importChains(
    chains: AsyncIterable<ChainToImport> | Iterable<ChainToImport>,
    options?: ImportOptions,
  ): AsyncIterable<ImportedChain>
  /** Exports all chains that match a filter, by agent_id, as they were at one revision. */
  exportChains(request?: ExportRequest, options?: CallOptions): ChainExport
  /**
   * Exports the whole registry as it was at one revision, as the lines of an archive: chains in their states, what is revoked,
   * authorities with their keys' marks, what was purged, and the history if asked for.
   */
  exportArchive(request?: ArchiveRequest, options?: CallOptions): ArchiveExport
  /**
   * Imports an archive from a file; see docs/archives.md for its order, and what is believed. Yields what became of each entry.
   * Throws an ArchiveError for a file that is not whole, before anything is written. Run again, it stores nothing twice.
   */
  importArchive(file: string, options?: CallOptions): AsyncIterable<ArchiveResult>
  /** Returns the status of the registry or of a service, by full name; SERVICE_UNKNOWN if it has no such service. */
  checkHealth(service?: string, options?: CallOptions): Promise<ServingStatus>
  /** Waits until a connection to the registry is open. Rejects with DEADLINE_EXCEEDED if that takes too long. */
  waitForReady(options?: Pick<CallOptions, "timeoutMs">): Promise<void>
  /** Closes the connection. Calls in progress finish; new ones reject with CANCELLED. */
  close(): void
}

/**
 * Connects to the registry at an address: `host:port`, `dns:///host:port`, `ipv4:127.0.0.1:50051`, `ipv6:[::1]:50051` or
 * `unix:/run/registry.sock`; without a port, 443. The first call opens the connection.
 *
 * @throws TypeError for what is no address (`http://...`), and options that contradict each other or the
 * address, or are no numbers that can be.
 *
 * @example
 * const registry = connect("localhost:50051")
 * const { record } = await registry.storeChain({ chain })
 * for await (const { chain } of registry.listChains({ filter: { authorityId: "org-acme" } })) console.log(chain)
 * registry.close()
 */
export function connect(address: string, options: ConnectOptions = {}): TrustRegistry {
  assertConnectOptions(options)
  const channels = openChannels(address, options)
  const limit = sendLimit(() => calls.getServerInfo({}))
  const connection: Connection = {
    closed: false,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    maxResponseBytes: options.maxResponseBytes ?? MAX_RESPONSE_BYTES,
    limit,
  }
  const all = SERVICES.map((service) => callsOf(service, channels.caller, connection))
  // Each service's RPCs under their names; Object.assign of a list cannot express it.
  const calls = Object.assign({}, ...all) as RegistryCalls
  const isOpen = () => !connection.closed
  const patienceMs = connection.timeoutMs
  const watchChains = (request: WatchRequest = {}, options?: WatchOptions) =>
    chainWatch(calls.watchChains, request, options, isOpen)
  const getChain = storedBy(calls.getChain)
  const cache = options.cache ? nearCache(getChain, watchChains, options.cache) : undefined
  const imports = { call: calls.importChains, limit, patienceMs, isOpen, written: cache?.written }
  const observed = cache ? observeWrites(calls, cache.written) : calls
  const healthCalls = createCalls(health.Health, channels.caller, callerEdge(connection))
  const lists = listsOver(calls)
  const getAuthority = storedBy(calls.getAuthority)
  const rotateAuthorityKey = storedBy(observed.rotateAuthorityKey)
  const signed = signedChanges({ ...observed, ...lists, getAuthority, rotateAuthorityKey })
  const archived = { filter: { includeInactive: true }, includePurged: true }
  return {
    ...observed,
    ...lists,
    getChain: cache?.getChain ?? getChain,
    getAuthority,
    ...signed,
    watchChains,
    batchStoreChains: (request, options) => storeBatch(observed.batchStoreChains, request, options),
    batchDeleteChains: (request, options) => deleteBatch(observed.batchDeleteChains, request, options),
    importChains: (chains, options) => importChains(imports, chains, options),
    exportChains: (request = {}, options) =>
      chainExport(calls.exportChains, request, options, patienceMs, isOpen),
    exportArchive: (request = {}, options) => {
      const parts = (snapshotRevision: bigint, options?: CallOptions) =>
        exportedParts(calls.exportChains, { ...archived, snapshotRevision }, options, patienceMs, isOpen)
      return archiveExport({ ...lists, watchChains, parts }, request, options)
    },
    importArchive: (file, options) => {
      const importInOrder = (chains: AsyncIterable<Sent>, options?: ImportOptions) =>
        importInAnyOrder(imports, chains, options, true)
      return archiveImport({ ...observed, getAuthority, importInOrder }, file, options)
    },
    checkHealth: (service = "", options) => servingStatus(healthCalls.check({ service }, options)),
    waitForReady: async ({ timeoutMs = connection.timeoutMs } = {}) => ready(channels, timeoutMs),
    close() {
      connection.closed = true
      cache?.close()
      channels.close()
    },
  }
}

interface Connection {
  closed: boolean
  timeoutMs: number
  maxResponseBytes: number
  limit: SendLimit
}

function callerEdge(connection: Connection): CallerEdge<CallOptions> {
  return {
    open(method, options) {
      if (connection.closed) throw closedError(method)
      const byDefault = method.methodKind === "unary" ? connection.timeoutMs : Infinity
      const { timeoutMs = byDefault } = options ?? {}
      return {
        options: deadlineIn(timeoutMs),
        metadata: metadataOf(connection),
        assureSize(bytes) {
          if (bytes > connection.limit.bytes) throw new MessageTooLargeError(connection.limit.bytes)
        },
        signal: options?.signal,
      }
    },
    fail: failureOf,
  }
}

/** Tells the registry which chains would be too large for us. */
function metadataOf({ maxResponseBytes }: Connection) {
  const metadata = new Metadata()
  metadata.set("trust-registry-max-response-bytes", String(maxResponseBytes))
  return metadata
}

function closedError(method: DescMethod) {
  return new TrustStoreError("the connection to the registry was closed", {
    code: status.CANCELLED,
    reason: "CANCELLED",
    method: nameOf(method),
  })
}

type UntypedCall = (request: object, options?: CallOptions) => Promise<unknown>

/** A service's RPCs. A request that needs a request_id and has none gets one per call, which retries repeat. */
function callsOf(service: DescService, caller: Caller, connection: Connection) {
  const calls = createCalls(service, caller, callerEdge(connection)) as Record<string, UntypedCall>
  const pairs = service.methods.map((method): [string, UntypedCall] => {
    const { localName, input, methodKind } = method
    const once = calls[localName] as UntypedCall
    const again = isRetryable(method) ? sentAgain(once, connection.timeoutMs) : once
    const call = methodKind === "unary" ? withinLimit(again, connection.limit) : again
    return [localName, methodKind === "unary" && "requestId" in input.field ? withRequestId(call) : call]
  })
  return Object.fromEntries(pairs)
}

function withRequestId(call: UntypedCall): UntypedCall {
  return (request: { requestId?: string }, options) =>
    call({ ...request, requestId: request.requestId || randomUUID() }, options)
}

/** Wraps a call: it resolves to the document and record in the response. */
function storedBy<Request, Stored>(
  call: (request: Request, options?: CallOptions) => Promise<{ stored?: Stored | undefined }>,
) {
  return async (request: Request, options?: CallOptions): Promise<Stored> => {
    const { stored } = await call(request, options)
    if (stored) return stored
    throw new TrustStoreError("the registry returned an empty response", { code: status.INTERNAL })
  }
}

/** Wraps the calls that may change something: each passes its response to `written`. */
function observeWrites(calls: RegistryCalls, written: (answer: object) => void): RegistryCalls {
  const unary = SERVICES.flatMap((service) => service.methods).filter(
    ({ methodKind, idempotency }) => methodKind === "unary" && idempotency !== NO_SIDE_EFFECTS,
  )
  // The services name the calls, so each name is one of them.
  const all = { ...calls } as unknown as Record<string, UntypedCall>
  for (const { localName } of unary) {
    const call = all[localName] as UntypedCall
    all[localName] = async (request, options) => {
      const answer = await call(request, options)
      written(answer as object)
      return answer
    }
  }
  // The same names with functions of the same types, which a loop cannot express.
  return all as unknown as RegistryCalls
}

const { NO_SIDE_EFFECTS } = MethodOptions_IdempotencyLevel

async function servingStatus(answer: Promise<health.HealthCheckResponse>): Promise<ServingStatus> {
  try {
    const { status } = await answer
    return health.HealthCheckResponse_ServingStatusSchema.value[status]?.localName as ServingStatus
  } catch (error) {
    if (error instanceof TrustStoreError && error.code === status.NOT_FOUND) return "SERVICE_UNKNOWN"
    throw error
  }
}

function ready(channels: Channels, timeoutMs: number) {
  const { deadline = Infinity } = deadlineIn(timeoutMs)
  return new Promise<void>((resolve, reject) =>
    channels.waitForReady(deadline, (cause) => {
      if (!cause) return resolve()
      const reason = "DEADLINE_EXCEEDED"
      const message = `no connection to the registry within ${timeoutMs} ms`
      reject(new TrustStoreError(message, { code: status[reason], reason, cause }))
    }),
  )
}
