import cluster from "node:cluster"
import { setLogger } from "@grpc/grpc-js"
import type { Log } from "./log.js"
import { type RegistryServer, type ServerOptions, startServer } from "./main.js"
import { awaitStop } from "./stopRequest.js"
import { awaitAssignment, reportReady } from "./worker.js"
import { serveWithWorkers } from "./workers.js"

/**
 * Runs the server until SIGTERM, SIGINT or SIGHUP; a second SIGTERM or SIGINT ends the process at once. Resolves to the exit code: 0 after a clean
 * stop, 1 after an uncaught error. With several workers, this process does not serve: it forks the workers, replaces those that
 * end, and manages the database.
 */
export async function serve(options: ServerOptions): Promise<number> {
  const stop = awaitStop(options.log)
  if (cluster.isPrimary && options.config.workers > 1) return await serveWithWorkers(options, stop)
  const own = cluster.isWorker ? await awaitAssignment(options, stop) : options
  if (typeof own === "number") return own
  logGrpcMessages(own.log)
  const starting = startServer(own)
  // Exiting in the middle of a start is safe, except that it would leave the embedded database running.
  const early = own.config.databaseUrl === "" && !own.connection ? NEVER : stop.requested
  const server = await Promise.race([starting, early])
  if (typeof server === "number") return server
  if (cluster.isWorker) reportReady(server.address)
  return await finish(server, stop.requested)
}

/** Logs grpc-js's own messages, which otherwise go to standard error as plain text. */
function logGrpcMessages(log: Log) {
  const write = (...texts: unknown[]) => log.warn({ text: texts.join(" ") }, "message from grpc-js")
  setLogger({ error: write, info: write, debug: write })
}

const NEVER = new Promise<never>(() => undefined)

async function finish(server: RegistryServer, requested: Promise<number>) {
  const code = await requested
  await server.stop()
  return code
}
