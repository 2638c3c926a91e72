import { constants } from "node:os"
import type { Log } from "./log.js"

/** A request to end the process. Only the first counts. */
export interface StopRequest {
  /** Requests the end with this exit code. */
  request(code: number): void
  /** Resolves to the exit code. */
  readonly requested: Promise<number>
}

/**
 * Listens for SIGTERM and SIGINT, a second of which ends the process at once, for SIGHUP, and for uncaught errors, which end it with
 * code 1. SIGHUP says that the terminal has ended. It comes once from the kernel and once from the shell, so a second means nothing.
 */
export function awaitStop(log: Log): StopRequest {
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
  process.on("SIGHUP", () => request(0))
  process.on("unhandledRejection", (err) => log.error({ err }, "unhandled promise rejection"))
  process.on("uncaughtException", (err) => {
    // The process may be in an inconsistent state, so it must end soon, but open calls may still finish.
    log.fatal({ err }, "uncaught exception: stopping")
    request(1)
  })
  return { request, requested }
}

/** Ctrl-C under `npm start` arrives twice, from the terminal and forwarded by npm, but is one request to stop. */
const ECHO_MS = 300
