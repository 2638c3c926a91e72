import type { Config } from "./config/config.js"
import type { ListenAddress } from "./config/values.js"
import type { ServerOptions } from "./main.js"
import type { StopRequest } from "./stopRequest.js"
import type { Connection } from "./store/database/sql.js"

/** What a worker says to its primary. */
export type WorkerMessage = { kind: "hello" } | { kind: "ready"; address: string }

/** Which worker it is, and what all workers share. */
export interface ServeMessage {
  kind: "serve"
  worker: number
  listen: ListenAddress
  connection: Connection
}

/** What a primary says to its worker. */
export type PrimaryMessage = ServeMessage | { kind: "stop" }

/**
 * Asks the primary which worker this process is, and for the database; from then on the primary can stop it. Gives the exit code
 * where it is to stop already. Without a primary a worker ends by itself: node:cluster sees to that.
 */
export async function awaitAssignment(
  { config, log }: ServerOptions,
  stop: StopRequest,
): Promise<ServerOptions | number> {
  const assigned = new Promise<ServerOptions>((resolve) => {
    process.on("message", (message: PrimaryMessage) => {
      if (message.kind === "stop") stop.request(0)
      // Others speak over this line too: whoever asks for metrics.
      if (message.kind !== "serve") return
      const { worker, connection, listen } = message
      resolve({ config: { ...shareOf(config), listen }, log: log.child({ worker }), connection, worker })
    })
  })
  tell({ kind: "hello" })
  return await Promise.race([assigned, stop.requested])
}

/** Tells the primary that this worker serves. */
export function tellReady(address: string): void {
  tell({ kind: "ready", address })
}

function tell(message: WorkerMessage) {
  process.send?.(message)
}

/** The connections are for all workers together. */
function shareOf(config: Config): Config {
  return { ...config, databaseConnections: Math.floor(config.databaseConnections / config.workers) }
}
