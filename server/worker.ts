import type { Config } from "./config/config.js"
import type { ListenAddress } from "./config/values.js"
import type { ServerOptions } from "./main.js"
import type { StopRequest } from "./stopRequest.js"
import type { Connection } from "./store/database/sql.js"

/** A message from a worker to its primary. */
export type WorkerMessage = { kind: "hello" } | { kind: "ready"; address: string }

/** The worker's number, and what all workers share. */
export interface ServeMessage {
  kind: "serve"
  worker: number
  listen: ListenAddress
  connection: Connection
}

/** A message from a primary to its worker. */
export type PrimaryMessage = ServeMessage | { kind: "stop" }

/**
 * Asks the primary for this worker's number and for the database; from then on the primary can stop it. Resolves to the exit code
 * if it must stop before that. node:cluster ends a worker that loses its primary.
 */
export async function awaitAssignment(
  { config, log }: ServerOptions,
  stop: StopRequest,
): Promise<ServerOptions | number> {
  const assigned = new Promise<ServerOptions>((resolve) => {
    process.on("message", (message: PrimaryMessage) => {
      if (message.kind === "stop") stop.request(0)
      // The collection of metrics uses the same channel.
      if (message.kind !== "serve") return
      const { worker, connection, listen } = message
      resolve({ config: { ...shareOf(config), listen }, log: log.child({ worker }), connection, worker })
    })
  })
  send({ kind: "hello" })
  return await Promise.race([assigned, stop.requested])
}

/** Reports to the primary that this worker serves. */
export function reportReady(address: string): void {
  send({ kind: "ready", address })
}

function send(message: WorkerMessage) {
  process.send?.(message)
}

/** The setting for connections is the total of all workers. */
function shareOf(config: Config): Config {
  return { ...config, databaseConnections: Math.floor(config.databaseConnections / config.workers) }
}
