import { constants } from "node:os"
import { setLogger } from "@grpc/grpc-js"
import type { Log } from "./log.js"
import { type RegistryServer, type ServerOptions, startServer } from "./main.js"

/**
 * Runs the server until SIGTERM or SIGINT; a second one ends the process at once. Resolves to the exit code: 0 after a stop
 * in good order, 1 after a fault that nobody caught.
 */
export async function serve(options: ServerOptions): Promise<number> {
  const { log } = options
  const stop = stopRequest()
  hearGrpc(log)
  process.on("unhandledRejection", (err) =>
    log.error({ err }, "a promise failed and nobody was there to hear it"),
  )
  process.on("uncaughtException", (err) => {
    // What it left half done nobody knows, so the process must not go on for long; calls that can still end may.
    log.fatal({ err }, "an exception that nobody caught: stopping")
    stop.request(1)
  })
  const starting = startServer(options)
  // Only the embedded database would be left behind by an end in the middle of a start.
  const early = options.config.databaseUrl === "" ? NEVER : stop.requested
  const server = await Promise.race([starting, early])
  if (typeof server === "number") return server
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

function stopRequest() {
  let request: (code: number) => void = () => undefined
  const requested = new Promise<number>((resolve) => {
    request = resolve
  })
  let firstAt: number | undefined
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      firstAt ??= performance.now()
      if (performance.now() - firstAt > ECHO_MS) process.exit(128 + constants.signals[signal])
      request(0)
    })
  }
  return { request, requested }
}

/** Ctrl-C under `npm start` arrives twice, from the terminal and handed on by npm: that is one wish to stop. */
const ECHO_MS = 300
