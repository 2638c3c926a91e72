import type { DescMethod } from "@bufbuild/protobuf"
import { status as Code } from "@grpc/grpc-js"
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client"
import type { RpcContext } from "./rpc/context.js"
import type { CacheState } from "./store/cache/cache.js"
import type { Store } from "./store/store.js"

/** What is measured of a server. */
export interface Metrics {
  /** Counts a call that has ended; half a microsecond, so that only those pay who look at it. */
  ended(context: RpcContext, code: Code): void
  /** All of it in Prometheus' text format. */
  text(): Promise<string>
}

/**
 * Starts to measure a store and its calls. Where this is a worker the primary asks for what it measured, and all of it is marked
 * with the worker's number.
 */
export function measure(store: Store, worker: number): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  gaugeStore(store, registry)
  if (worker > 0) {
    registry.setDefaultLabels({ worker: String(worker) })
    AggregatorRegistry.setRegistries(registry)
    new AggregatorRegistry()
  }
  return { ended: createCallTimer(registry), text: () => registry.metrics() }
}

/** What all workers measured, each under its number. */
export function workersMetrics(): () => Promise<string> {
  const all = new AggregatorRegistry()
  return () => all.clusterMetrics()
}

/** From an answer out of memory to one that many locks were waited for. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

function createCallTimer(registry: Registry): Metrics["ended"] {
  const duration = new Histogram({
    name: "trust_registry_rpc_duration_seconds",
    help: "How long calls took, by method and gRPC status code; streams from their beginning to their end.",
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

/** All of it is looked at when somebody asks, and costs nothing before. */
function gaugeStore({ feed, monitor, chains, authorities }: Store, registry: Registry): void {
  const tell = (Kind: typeof Counter | typeof Gauge, name: string, help: string, now: () => Values) => {
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
  tell(Gauge, "feed_revision", "The newest revision that it has heard of.", () => Number(feed.position))
  tell(Gauge, "newest_revision", "The newest revision that it knows of.", () => Number(feed.head))
  tell(
    Gauge,
    "feed_age_seconds",
    "Since it asked for changes and got all there were.",
    () => feed.age() / 1000,
  )
  tell(Gauge, "memory_fresh", "1: reads are answered from memory; 0: they go to the database.", () =>
    Number(performance.now() < feed.freshUntil),
  )
  tell(Gauge, "database_available", "1 while the database answers.", () => Number(monitor.available))
  tell(
    Gauge,
    "clock_skew_seconds",
    "How far the database's clock is ahead of this machine's.",
    () => monitor.clockSkewMs / 1000,
  )
  tell(Gauge, "writes_waiting", "Writes that wait for a transaction.", () => chains.batches.waiting)
  tell(Counter, "write_batches_total", "Transactions of writes.", () => chains.batches.batches)
  tell(Counter, "write_batch_rows_total", "Writes in these transactions.", () => chains.batches.items)
  tell(
    Counter,
    "cache_hits_total",
    "Reads that memory answered.",
    ofCaches(({ hits }) => hits),
  )
  tell(
    Counter,
    "cache_misses_total",
    "Reads that it did not answer.",
    ofCaches(({ misses }) => misses),
  )
  tell(
    Gauge,
    "cache_entries",
    "What is in memory.",
    ofCaches(({ size }) => size),
  )
}

/** One value, or one for each cache. */
type Values = number | Record<string, number>

function valuesOf(values: Values): [Record<string, string>, number][] {
  if (typeof values === "number") return [[{}, values]]
  return Object.entries(values).map(([cache, value]) => [{ cache }, value])
}
