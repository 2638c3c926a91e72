import { setMaxListeners } from "node:events"
import type { Http2Server } from "node:http2"
import {
  AuthorityService,
  file_google_rpc_error_details,
  health,
  RevocationService,
  ServerInfoService,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { within } from "./async/deadline.js"
import type { Config } from "./config/config.js"
import { createHealthHandlers } from "./health.js"
import { freeAddress, type Listener, listen } from "./listen.js"
import type { Log } from "./log.js"
import { measure } from "./metrics.js"
import { serveMetrics } from "./metricsListener.js"
import { givenPostgres, type Postgres, providePostgres } from "./postgres.js"
import { createReflectionHandlers, reflectionServices } from "./reflection.js"
import { type Admission, createAdmission } from "./rpc/admission.js"
import { createMiddleware, type Middleware, type Service } from "./rpc/middleware.js"
import { createAuthorityHandlers } from "./service/authority.js"
import { createRevocationHandlers } from "./service/revocation.js"
import { createServerInfoHandlers, type ProcessInfo } from "./service/serverInfo.js"
import { createTrustStoreHandlers } from "./service/trustStore.js"
import { createVerificationHandlers } from "./service/trustVerification.js"
import type { Connection } from "./store/database/sql.js"
import { nowMicros } from "./store/rows/micros.js"
import { createStore, type Store } from "./store/store.js"
import { credentialsOf } from "./tls.js"
import { watchHandshakes } from "./tlsFailures.js"
import { serverVersion } from "./version.js"

/** How to start a server. */
export interface ServerOptions {
  /** The settings. */
  readonly config: Config
  /** Where the server logs. */
  readonly log: Log
  /** A running database to use instead of the one in the settings; the caller stops it. */
  readonly connection?: Connection
  /** The number of this worker, from 1; unset without workers. */
  readonly worker?: number
}

/** A running server. */
export interface RegistryServer {
  /** The address it listens on, as `host:port`. */
  readonly address: string
  /**
   * Stops gracefully: health turns NOT_SERVING, streams end, open calls get up to `drainTimeoutMs`, then the store and the
   * embedded database close. Calling it again returns the same promise.
   */
  stop(): Promise<void>
}

/**
 * Starts the registry: database, schema, port, in this order; that the port is free is checked first. Once it resolves, the server answers calls. Throws ConfigError,
 * EmbeddedPostgresError, or an Error that says what failed, after stopping whatever was started.
 *
 * @example
 * const server = await startServer({ config: defaultConfig(), log: createLog("info") })
 * await server.stop()
 */
export async function startServer({
  config,
  log,
  connection,
  worker = 0,
}: ServerOptions): Promise<RegistryServer> {
  const credentials = credentialsOf(config)
  // The primary has done so for its workers, which share the port.
  if (worker === 0) await freeAddress(config.listen)
  const database =
    connection === undefined ? await providePostgres(config, log) : givenPostgres(connection, "given")
  const draining = new AbortController()
  // Every open stream adds a listener.
  setMaxListeners(0, draining.signal)
  let store: Store | undefined
  let endMetrics: (() => Promise<void>) | undefined
  const admission = createAdmission({
    ...config,
    onRefused: (calls) => log.warn({ calls }, "refused: the calls hold as many bytes as they may"),
  })
  try {
    store = openStore(database, config, log, admission)
    await prepareSchema(store, database, config, log)
    const metrics = config.metricsListen && measure(store, admission.account, worker)
    const bounds = { callTimeoutMs: config.callTimeoutMs, draining: draining.signal }
    // With workers, the primary serves the metrics of all.
    if (metrics && config.metricsListen && worker === 0)
      endMetrics = await serveMetrics(config.metricsListen, metrics.text, log)
    const middleware = createMiddleware({ ...bounds, log, ended: metrics?.ended })
    const info = {
      version: serverVersion(),
      worker,
      startedAtMicros: nowMicros(),
      maxMessageBytes: config.maxMessageBytes,
    }
    const services = servicesOf(store, config, middleware, info, draining.signal)
    const tls = config.tlsCert !== ""
    const handshakeFailed = () => metrics?.handshakeFailed()
    const onServer = (server: Http2Server) => watchHandshakes(server, log, handshakeFailed)
    const listener = await listen(config, credentials, services, { admission, onServer })
    // With workers, the primary logs this once, when all serve.
    log[worker === 0 ? "info" : "debug"](
      { address: listener.address, version: info.version, tls, database: database.name },
      `ready: serving on ${listener.address}`,
    )
    const running = { config, log, database, store, middleware, listener, admission, endMetrics, draining }
    let stopped: Promise<void> | undefined
    return {
      address: listener.address,
      stop: () => {
        stopped ??= drain(running)
        return stopped
      },
    }
  } catch (error) {
    admission.close()
    await endMetrics?.()
    await store?.close(0)
    await database.stop()
    throw error
  }
}

/** Brings the schema up to date, without serving. Resolves to the names of the applied steps. */
export async function migrateDatabase(options: Pick<ServerOptions, "config" | "log">): Promise<string[]> {
  const { stop, steps } = await prepareDatabase(options)
  await stop()
  return steps
}

/** Starts or connects to the database and brings its schema up to date; the caller stops it. */
export async function prepareDatabase({
  config,
  log,
}: Pick<ServerOptions, "config" | "log">): Promise<Postgres & { steps: string[] }> {
  const database = await providePostgres(config, log)
  const store = openStore(database, config, log)
  try {
    const steps = await prepareSchema(store, database, config, log)
    await store.close(0)
    return { ...database, steps }
  } catch (error) {
    await store.close(0)
    await database.stop()
    throw error
  }
}

function openStore(database: Postgres, config: Config, log: Log, admission?: Admission) {
  return createStore({
    connection: database.connection,
    maxConnections: config.databaseConnections,
    timeoutMs: config.databaseTimeoutMs,
    cacheEntries: config.cacheEntries,
    cacheMaxAgeMs: config.cacheMaxAgeMs,
    maxWaitingWrites: config.maxWaitingWrites,
    historyRetentionMs: config.historyRetentionMs,
    account: admission?.account,
    onEvent: (level, text) => log[level](text),
  })
}

async function prepareSchema(store: Store, database: Postgres, config: Config, log: Log) {
  const waitMs = config.databaseStartTimeoutMs
  const began = performance.now()
  const patience = setTimeout(() => log.warn(`waiting for the database (${database.name})`), PATIENCE_MS)
  try {
    const steps = await store.migrate(waitMs)
    if (steps.length > 0) log.info({ steps }, "the schema is up to date")
    store.monitor.probeNow()
    await store.monitor.whenAvailable(SETTLE_MS)
    await within(store.feed.reached(0n, NEVER), { ms: SETTLE_MS, late: unread })
    return steps
  } catch (cause) {
    const { message } = cause as Error
    const waited = performance.now() - began
    const wait = waited < waitMs || waitMs === 0 ? "" : `, waited ${Math.round(waited)} ms`
    throw new Error(`the database (${database.name}) cannot be used${wait}: ${message}`, { cause })
  } finally {
    clearTimeout(patience)
  }
}

/** A start that takes longer than this logs what it waits for. */
const PATIENCE_MS = 1_000

const NEVER = new AbortController().signal

function unread(): never {
  throw new Error(`the feed of changes could not be read within ${SETTLE_MS / 1000} s`)
}

/** The schema was just reached, so monitor and feed need one successful query each. */
const SETTLE_MS = 5_000

function servicesOf(
  store: Store,
  config: Config,
  middleware: Middleware,
  info: ProcessInfo,
  draining: AbortSignal,
): Service[] {
  const ours = [
    middleware.service(TrustStoreService, createTrustStoreHandlers(store, config)),
    middleware.service(AuthorityService, createAuthorityHandlers(store.authorities, config)),
    middleware.service(TrustVerificationService, createVerificationHandlers(store, config)),
    middleware.service(RevocationService, createRevocationHandlers(store.revocations, config)),
    middleware.service(ServerInfoService, createServerInfoHandlers(store, info)),
  ]
  const names = ours.map(({ desc }) => desc.typeName)
  const [v1, v1alpha] = reflectionServices
  const described = [...ours.map(({ desc }) => desc), health.Health, v1, v1alpha]
  const reflection = createReflectionHandlers(described, [file_google_rpc_error_details])
  return [
    ...ours,
    middleware.service(health.Health, createHealthHandlers(names, store.monitor, draining)),
    middleware.service(v1, reflection),
    middleware.service(v1alpha, reflection),
  ]
}

interface Running {
  readonly config: Config
  readonly log: Log
  readonly database: Postgres
  readonly store: Store
  readonly middleware: Middleware
  readonly listener: Listener
  readonly admission: Admission
  readonly endMetrics: (() => Promise<void>) | undefined
  readonly draining: AbortController
}

async function drain(running: Running) {
  const { config, log, database, store, middleware, listener, admission, endMetrics, draining } = running
  log.info("stopping: no new calls are accepted")
  draining.abort()
  try {
    await finish(listener, middleware, config.drainTimeoutMs, log)
    admission.close()
    await endMetrics?.()
    await store.close(CLOSE_MS)
  } finally {
    await database.stop()
  }
  log.info("stopped")
}

/** How long statements may outlive their calls, in milliseconds. */
const CLOSE_MS = 1_000

async function finish(listener: Listener, middleware: Middleware, ms: number, log: Log) {
  const finished = listener.finish().then(() => true)
  const late = () => false
  if (await within(finished, { ms, late })) return
  log.warn({ ms }, "calls still open at the end of the drain are cut off")
  middleware.cutOff()
  // Lets the final statuses reach the callers before the connections close.
  await within(finished, { ms: FAREWELL_MS, late })
  listener.cut()
}

const FAREWELL_MS = 200
