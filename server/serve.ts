import cluster from "node:cluster"
import { setLogger } from "@grpc/grpc-js"
import type { Log } from "./log.js"
import { type RegistryServer, type ServerOptions, startServer } from "./main.js"
import { awaitStop } from "./stopRequest.js"
import { awaitAssignment, tellReady } from "./worker.js"
import { serveWithWorkers } from "./workers.js"

/**
 * Runs the server until SIGTERM or SIGINT; a second one ends the process at once. Resolves to the exit code: 0 after a stop
 * in good order, 1 after a fault that nobody caught. With several workers this process serves nothing itself: it starts itself
 * again for each, and keeps the database and their number.
 */
export async function serve(options: ServerOptions): Promise<number> {
  const stop = awaitStop(options.log)
  if (cluster.isPrimary && options.config.workers > 1) return await serveWithWorkers(options, stop)
  const own = cluster.isWorker ? await awaitAssignment(options, stop) : options
  if (typeof own === "number") return own
  hearGrpc(own.log)
  const starting = startServer(own)
  // Only the embedded database would be left behind by an end in the middle of a start.
  const early = own.config.databaseUrl === "" && !own.connection ? NEVER : stop.requested
  const server = await Promise.race([starting, early])
  if (typeof server === "number") return server
  if (cluster.isWorker) tellReady(server.address)
  return await finish(server, stop.requested)
}

/** What grpc-js has to say about itself would go to standard error as bare text. */
function hearGrpc(log: Log) {
  const say = (...texts: unknown[]) => log.warn({ text: texts.join(" ") }, "grpc-js says")
  setLogger({ error: say, info: say, debug: say })
}

const NEVER = new Promise<never>(() => undefined)

async function finish(server: RegistryServer, requested: Promise<number>) {
  const code = await requested
  await server.stop()
  return code
}
