import type { DescMethod } from "@bufbuild/protobuf"
import { status as Code } from "@grpc/grpc-js"
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client"
import type { ByteAccount } from "./async/byteAccount.js"
import { droppedLogLines } from "./log.js"
import type { RpcContext } from "./rpc/context.js"
import type { CacheState } from "./store/cache/cache.js"
import type { Store } from "./store/store.js"

/** The metrics of a server. */
export interface Metrics {
  /** Records an ended call. Takes half a microsecond, so it is called only where metrics are enabled. */
  ended(context: RpcContext, code: Code): void
  /** Records a TLS handshake that failed. */
  handshakeFailed(): void
  /** All metrics in Prometheus' text format. */
  text(): Promise<string>
}

/**
 * Starts to measure a store and its calls. In a worker, the primary collects the metrics, and all are labelled with the worker's
 * number.
 */
export function measure(store: Store, account: ByteAccount, worker: number): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  gauge(store, account, registry)
  if (worker === 0) countDroppedLogLines(registry)
  else {
    registry.setDefaultLabels({ worker: String(worker) })
    AggregatorRegistry.setRegistries(registry)
    new AggregatorRegistry()
  }
  const handshakes = new Counter({
    name: "trust_registry_tls_handshakes_failed_total",
    help: "TLS handshakes that failed.",
    registers: [registry],
  })
  return {
    ended: createCallTimer(registry),
    handshakeFailed: () => handshakes.inc(),
    text: () => registry.metrics(),
  }
}

/** Collects the metrics of all workers, each labelled with its number. Their log goes through this process. */
export function workersMetrics(): () => Promise<string> {
  const all = new AggregatorRegistry()
  const own = new Registry()
  countDroppedLogLines(own)
  return async () => `${await all.clusterMetrics()}\n${await own.metrics()}`
}

function countDroppedLogLines(registry: Registry) {
  new Counter({
    name: "trust_registry_log_lines_dropped_total",
    help: "Log lines that standard output did not take.",
    registers: [registry],
    collect() {
      this.reset()
      this.inc(droppedLogLines())
    },
  })
}

/** From an answer out of memory to one that waited for many locks. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

function createCallTimer(registry: Registry): Metrics["ended"] {
  const duration = new Histogram({
    name: "trust_registry_rpc_duration_seconds",
    help: "Duration of calls by method and gRPC status code; of streams from start to end.",
    labelNames: ["method", "code"],
    buckets: BUCKETS,
    registers: [registry],
  })
  const timers = new Map<DescMethod, Histogram.Internal<"method" | "code">[]>()
  return ({ method, startedAt }, code) => {
    const ofMethod = timers.get(method) ?? []
    timers.set(method, ofMethod)
    ofMethod[code] ??= duration.labels(`${method.parent.typeName}/${method.name}`, Code[code])
    ofMethod[code].observe((performance.now() - startedAt) / 1000)
  }
}

/** Registers gauges that are read at each scrape and cost nothing in between. */
function gauge(
  { feed, monitor, chains, authorities }: Store,
  account: ByteAccount,
  registry: Registry,
): void {
  const metric = (Kind: typeof Counter | typeof Gauge, name: string, help: string, now: () => Values) => {
    new Kind({
      name: `trust_registry_${name}`,
      help,
      labelNames: ["cache"],
      registers: [registry],
      collect() {
        this.reset()
        for (const [labels, value] of valuesOf(now())) this.inc(labels, value)
      },
    })
  }
  const ofCaches = (value: (state: CacheState) => number) => () => ({
    chains: value(chains.cache),
    authorities: value(authorities.cache),
  })
  metric(Gauge, "feed_revision", "Revision up to which this process has received changes.", () =>
    Number(feed.position),
  )
  metric(Gauge, "newest_revision", "Newest revision that this process knows of.", () => Number(feed.head))
  metric(
    Gauge,
    "feed_age_seconds",
    "Seconds since this process was last up to date.",
    () => feed.age() / 1000,
  )
  metric(
    Gauge,
    "memory_fresh",
    "1 while reads are answered from memory, 0 while they go to the database.",
    () => Number(performance.now() < feed.freshUntil),
  )
  metric(Gauge, "database_available", "1 while the database answers.", () => Number(monitor.available))
  metric(
    Gauge,
    "clock_skew_seconds",
    "Seconds that the database's clock is ahead of this machine's.",
    () => monitor.clockSkewMs / 1000,
  )
  metric(Gauge, "writes_waiting", "Writes waiting for a transaction.", () => chains.batches.waiting)
  metric(Counter, "write_batches_total", "Write transactions.", () => chains.batches.batches)
  metric(Counter, "write_batch_rows_total", "Writes in these transactions.", () => chains.batches.items)
  metric(Gauge, "call_bytes", "Bytes that calls hold of TRUST_REGISTRY_CALL_BYTES.", () => account.held)
  metric(Gauge, "calls_waiting", "Calls that wait for room in them.", () => account.waiting)
  metric(Counter, "calls_refused_total", "Calls that were refused for want of room.", () => account.refused)
  metric(
    Counter,
    "cache_hits_total",
    "Reads answered from memory.",
    ofCaches(({ hits }) => hits),
  )
  metric(
    Counter,
    "cache_misses_total",
    "Reads not answered from memory.",
    ofCaches(({ misses }) => misses),
  )
  metric(
    Gauge,
    "cache_entries",
    "Entries in memory.",
    ofCaches(({ size }) => size),
  )
}

/** One value, or one for each cache. */
type Values = number | Record<string, number>

function valuesOf(values: Values): [Record<string, string>, number][] {
  if (typeof values === "number") return [[{}, values]]
  return Object.entries(values).map(([cache, value]) => [{ cache }, value])
}
