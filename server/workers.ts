import type { Worker } from "node:cluster"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { within } from "./async/deadline.js"
import { freeAddress } from "./listen.js"
import type { Log } from "./log.js"
import { prepareDatabase, type ServerOptions } from "./main.js"
import { workersMetrics } from "./metrics.js"
import { serveMetrics } from "./metricsListener.js"
import type { StopRequest } from "./stopRequest.js"
import { credentialsOf } from "./tls.js"
import { serverVersion } from "./version.js"
import type { PrimaryMessage, ServeMessage, WorkerMessage } from "./worker.js"
import { forkWorker } from "./workerOutput.js"

/**
 * Runs the database and the configured number of workers, and replaces a worker that ends. Resolves to the exit code after a
 * stop; throws if a worker fails to start initially.
 */
export async function serveWithWorkers({ config, log }: ServerOptions, stop: StopRequest): Promise<number> {
  // A wrong certificate is found before a database is made.
  credentialsOf(config)
  // Workers that all listen on port 0 share one, but release it if all end at once: their replacements would serve on another.
  const listen = await freeAddress(config.listen)
  const database = await prepareDatabase({ config, log })
  let endMetrics: (() => Promise<void>) | undefined
  try {
    if (config.metricsListen) endMetrics = await serveMetrics(config.metricsListen, workersMetrics(), log)
    const workers = startWorkers(config.workers, { listen, connection: database.connection }, log)
    const ready = within(workers.ready, { ms: READY_MS, late: notReady })
    const address = await Promise.race([ready, workers.failed, stop.requested]).catch(async (error) => {
      await workers.stop(LATE_MS)
      throw error
    })
    if (typeof address === "string") {
      const facts = { address, version: serverVersion(), workers: config.workers, database: database.name }
      log.info(facts, `ready: serving on ${address} with ${config.workers} workers`)
    }
    const code = await Promise.race([stop.requested, workers.failed]).finally(() =>
      workers.stop(config.drainTimeoutMs + LATE_MS),
    )
    log.info("stopped all workers")
    return code
  } finally {
    await endMetrics?.()
    await database.stop()
  }
}

/** The database is ready when workers start, so that they need seconds. */
const READY_MS = 120_000

function notReady(): never {
  throw new Error(`not all workers were ready: waited ${READY_MS / 1000} s`)
}

/** How long a worker may take beyond its drain before it is killed, in milliseconds. */
const LATE_MS = 5_000

function startWorkers(count: number, shared: Pick<ServeMessage, "listen" | "connection">, log: Log) {
  const stopping = new AbortController()
  const present = new Map<number, Worker>()
  const serving = new Set<number>()
  let begun = false
  let begin: (address: string) => void = () => undefined
  const ready = new Promise<string>((resolve) => {
    begin = resolve
  })

  const handleMessages = (worker: Worker, number: number) => (message: WorkerMessage) => {
    if (message.kind === "hello") send(worker, { kind: "serve", worker: number, ...shared })
    if (message.kind !== "ready") return
    log.info({ worker: number, pid: worker.process.pid }, "worker is ready")
    serving.add(number)
    if (serving.size < count) return
    begun = true
    begin(message.address)
  }

  /** Runs one worker to its end; throws if it ends before all workers were ready. */
  const runOne = async (number: number) => {
    const worker = forkWorker()
    present.set(number, worker)
    worker.on("message", handleMessages(worker, number))
    // Unlike "exit", it comes when all output has been passed on.
    const [code, signal] = await once(worker.process, "close")
    present.delete(number)
    if (stopping.signal.aborted) return
    const facts = { worker: number, pid: worker.process.pid, code, signal }
    if (!begun) throw new Error(`worker ${number} ended before all were ready (exit code ${code})`)
    log.error(facts, "a worker has ended; starting another")
  }

  const keep = async (number: number) => {
    let waitMs = FIRST_WAIT_MS
    while (!stopping.signal.aborted) {
      const since = performance.now()
      await runOne(number)
      waitMs = performance.now() - since > STEADY_MS ? FIRST_WAIT_MS : Math.min(waitMs * 2, LONGEST_WAIT_MS)
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  const keeping = Promise.all(Array.from({ length: count }, (_, index) => keep(index + 1)))
  const failed = keeping.then(() => new Promise<never>(() => undefined))
  failed.catch(() => undefined)

  return {
    /** Resolves to the address once all serve. */
    ready,
    /** Rejects if a worker fails to start initially. */
    failed,
    /** Drains all workers; kills those still running after `ms`. */
    stop: async (ms: number) => {
      stopping.abort()
      for (const worker of present.values()) send(worker, { kind: "stop" })
      const late = setTimeout(() => {
        for (const worker of present.values()) worker.process.kill("SIGKILL")
      }, ms)
      await Promise.all(Array.from(present.values(), (worker) => once(worker.process, "close")))
      clearTimeout(late)
    },
  }
}

/** Backs off from a worker that keeps dying right away. */
const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 5_000
const STEADY_MS = 10_000

function send(worker: Worker, message: PrimaryMessage) {
  if (worker.isConnected()) worker.send(message)
}
