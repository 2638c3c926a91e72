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
  type RotateAuthorityKeyRequestSchema,
  type ServerInfoService,
  type StoredAuthority,
  type StoredChain,
  type TrustStoreService,
  type TrustVerificationService,
} from "@trust-registry/proto"
import {
  type BatchDeleteRequest,
  type BatchStoreRequest,
  type DeleteResult,
  deleteBatch,
  type StoreResult,
  storeBatch,
} from "./batches.js"
import { type ChainExport, chainExport, type ExportRequest } from "./chainExport.js"
import { type ChainToImport, type ImportedChain, importChains } from "./chainImport.js"
import { type ChainWatch, chainWatch, type WatchOptions, type WatchRequest } from "./chainWatch.js"
import { type Channels, openChannels } from "./channel.js"
import { TrustStoreError } from "./errors.js"
import { failureOf } from "./failure.js"
import { listsOver, type RegistryLists } from "./lists.js"
import { nearCache } from "./nearCache.js"
import { type CallOptions, type ConnectOptions, DEFAULT_TIMEOUT_MS } from "./options.js"
import { sentAgain } from "./resume.js"
import { isRetryable } from "./retry.js"
import { type Caller, type CallerEdge, type Calls, createCalls } from "./rpc/calls.js"
import { SERVICES } from "./services.js"

/** The RPCs of all {@link SERVICES} as functions. */
type RegistryCalls = Calls<typeof TrustStoreService, CallOptions> &
  Calls<typeof AuthorityService, CallOptions> &
  Calls<typeof TrustVerificationService, CallOptions> &
  Calls<typeof RevocationService, CallOptions> &
  Calls<typeof ServerInfoService, CallOptions>

/** State of a service, as grpc.health.v1 names it. */
export type ServingStatus = keyof typeof health.HealthCheckResponse_ServingStatus

/**
 * A registry, its RPCs as functions that return promises. They reject with a {@link TrustStoreError}, or with the reason
 * of the signal that cancelled them. Idempotent calls are sent again while the registry is unavailable; a write without
 * `requestId` gets one, the same for all its attempts.
 */
export interface TrustRegistry
  extends RegistryLists,
    Omit<
      RegistryCalls,
      | keyof RegistryLists
      | "getChain"
      | "getAuthority"
      | "rotateAuthorityKey"
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
  /** Returns an authority and its record, both set, whether it is active or not. */
  getAuthority(
    request: MessageInitShape<typeof GetAuthorityRequestSchema>,
    options?: CallOptions,
  ): Promise<StoredAuthority>
  /** Adds a key to an authority and ends the windows of its older keys; returns the authority with all of them. */
  rotateAuthorityKey(
    request: MessageInitShape<typeof RotateAuthorityKeyRequestSchema>,
    options?: CallOptions,
  ): Promise<StoredAuthority>
  /** Watches the changes of chains, and resumes by itself after the line or the server was away. */
  watchChains(request?: WatchRequest, options?: WatchOptions): ChainWatch
  /** Stores up to 1,000 chains, with `atomic` all or none of them; returns their results in the same order. */
  batchStoreChains(request: BatchStoreRequest, options?: CallOptions): Promise<StoreResult[]>
  /**
   * Deletes the chains of up to 1,000 agents, with `purge` for good, with `atomic` all or none of them; returns their results
   * in the same order.
   */
  batchDeleteChains(request: BatchDeleteRequest, options?: CallOptions): Promise<DeleteResult[]>
  /**
   * Stores chains as they arrive, many at once, and yields the result of each, in order, once it is durable. Send delegators
   * before their delegatees. When the line, the database or the server goes away, what has no result yet is sent again with
   * the same request ids; it throws once nothing was answered for the connection's `timeoutMs`. Then every chain whose result
   * was yielded is stored, and the others can be imported again (with the same request ids each is stored once).
   */
  importChains(
    chains: AsyncIterable<ChainToImport> | Iterable<ChainToImport>,
    options?: CallOptions,
  ): AsyncIterable<ImportedChain>
  /** Exports all chains that match a filter, by agent_id, as they were at one revision. */
  exportChains(request?: ExportRequest, options?: CallOptions): ChainExport
  /** How the registry, or one of its services by full name, is; SERVICE_UNKNOWN for one it does not have. */
  checkHealth(service?: string, options?: CallOptions): Promise<ServingStatus>
  /** Waits until a line to the registry is open; rejects with DEADLINE_EXCEEDED when that takes too long. */
  waitForReady(options?: Pick<CallOptions, "timeoutMs">): Promise<void>
  /** Closes the line: calls that are under way go on to their end, new ones reject with CANCELLED. */
  close(): void
}

/**
 * Connects to the registry at an address: `host:port`, `dns:///host:port`, `ipv4:127.0.0.1:50051`, `ipv6:[::1]:50051` or
 * `unix:/run/registry.sock`; without a port, 443. The line is opened by the first call.
 *
 * @throws TypeError for what is no address (`http://...`), and options that contradict each other or the address.
 *
 * @example
 * const registry = connect("localhost:50051")
 * const { record } = await registry.storeChain({ chain })
 * for await (const { chain } of registry.listChains({ filter: { authorityId: "org-acme" } })) console.log(chain)
 * registry.close()
 */
export function connect(address: string, options: ConnectOptions = {}): TrustRegistry {
  const channels = openChannels(address, options)
  const line = { closed: false, timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS }
  const all = SERVICES.map((service) => callsOf(service, channels.caller, line))
  // Each service's RPCs under their names; Object.assign of a list cannot express it.
  const calls = Object.assign({}, ...all) as RegistryCalls
  const isOpen = () => !line.closed
  const patienceMs = line.timeoutMs
  const imports = { call: calls.importChains, patienceMs, isOpen }
  const watchChains = (request: WatchRequest = {}, options?: WatchOptions) =>
    chainWatch(calls.watchChains, request, options, isOpen)
  const getChain = storedBy(calls.getChain)
  const cache = options.cache ? nearCache(getChain, watchChains, options.cache) : undefined
  const heard = cache ? hearWrites(calls, cache.written) : calls
  const healthCalls = createCalls(health.Health, channels.caller, callerEdge(line))
  return {
    ...heard,
    ...listsOver(calls),
    getChain: cache?.getChain ?? getChain,
    getAuthority: storedBy(calls.getAuthority),
    rotateAuthorityKey: storedBy(heard.rotateAuthorityKey),
    watchChains,
    batchStoreChains: (request, options) => storeBatch(heard.batchStoreChains, request, options),
    batchDeleteChains: (request, options) => deleteBatch(heard.batchDeleteChains, request, options),
    importChains: (chains, options) => importChains({ ...imports, written: cache?.written }, chains, options),
    exportChains: (request = {}, options) =>
      chainExport(calls.exportChains, request, options, patienceMs, isOpen),
    checkHealth: (service = "", options) => servingStatus(healthCalls.check({ service }, options)),
    waitForReady: (options) => ready(channels, options?.timeoutMs ?? line.timeoutMs),
    close() {
      line.closed = true
      cache?.close()
      channels.close()
    },
  }
}

interface Line {
  closed: boolean
  timeoutMs: number
}

function callerEdge(line: Line): CallerEdge<CallOptions> {
  return {
    open(method, options) {
      if (line.closed) throw closedError(method)
      const timeoutMs = options?.timeoutMs ?? (method.methodKind === "unary" ? line.timeoutMs : Infinity)
      return {
        options: timeoutMs === Infinity ? {} : { deadline: Date.now() + timeoutMs },
        metadata: new Metadata(),
        signal: options?.signal,
      }
    },
    fail: failureOf,
  }
}

function closedError(method: DescMethod) {
  return new TrustStoreError("the connection to the registry was closed", {
    code: status.CANCELLED,
    reason: "CANCELLED",
    method: `${method.parent.typeName}.${method.name}`,
  })
}

type UntypedCall = (request: object, options?: CallOptions) => Promise<unknown>

/** A service's RPCs; requests that hold a request_id get one where the caller gave none, once per call: attempts repeat it. */
function callsOf(service: DescService, caller: Caller, line: Line) {
  const calls = createCalls(service, caller, callerEdge(line)) as Record<string, UntypedCall>
  const pairs = service.methods.map((method): [string, UntypedCall] => {
    const { localName, input, methodKind } = method
    const once = calls[localName] as UntypedCall
    const call = isRetryable(method) ? sentAgain(once, line.timeoutMs) : once
    return [localName, methodKind === "unary" && "requestId" in input.field ? withRequestId(call) : call]
  })
  return Object.fromEntries(pairs)
}

function withRequestId(call: UntypedCall): UntypedCall {
  return (request: { requestId?: string }, options) =>
    call({ ...request, requestId: request.requestId || randomUUID() }, options)
}

/** The same call; resolves to the document and record that its response wraps. */
function storedBy<Request, Stored>(
  call: (request: Request, options?: CallOptions) => Promise<{ stored?: Stored | undefined }>,
) {
  return async (request: Request, options?: CallOptions): Promise<Stored> => {
    const { stored } = await call(request, options)
    if (stored) return stored
    throw new TrustStoreError("the registry returned an empty response", { code: status.INTERNAL })
  }
}

/** The same calls; each that may have changed something tells its answer. */
function hearWrites(calls: RegistryCalls, written: (answer: object) => void): RegistryCalls {
  const unary = SERVICES.flatMap((service) => service.methods).filter(
    ({ methodKind, idempotency }) => methodKind === "unary" && idempotency !== NO_SIDE_EFFECTS,
  )
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
  return new Promise<void>((resolve, reject) =>
    channels.waitForReady(Date.now() + timeoutMs, (cause) => {
      if (!cause) return resolve()
      const reason = "DEADLINE_EXCEEDED"
      const message = `no line to the registry within ${timeoutMs} ms`
      reject(new TrustStoreError(message, { code: status[reason], reason, cause }))
    }),
  )
}
