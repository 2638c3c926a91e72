import { constants } from "node:os"
import type { Log } from "./log.js"

/** The wish that the process ends, whoever has it first. */
export interface StopRequest {
  /** Asks for the end with this exit code; only the first counts. */
  request(code: number): void
  /** Resolves to the exit code. */
  readonly requested: Promise<number>
}

/**
 * Listens to SIGTERM and SIGINT, of which a second one ends the process at once, and to faults that nobody caught, which end it
 * with code 1.
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
  process.on("unhandledRejection", (err) =>
    log.error({ err }, "a promise failed and nobody was there to hear it"),
  )
  process.on("uncaughtException", (err) => {
    // What it left half done nobody knows, so the process must not go on for long; calls that can still end may.
    log.fatal({ err }, "an exception that nobody caught: stopping")
    request(1)
  })
  return { request, requested }
}

/** Ctrl-C under `npm start` arrives twice, from the terminal and handed on by npm: that is one wish to stop. */
const ECHO_MS = 300
