import { EventEmitter, once } from "node:events"
import { status as Code } from "@grpc/grpc-js"
import { ErrorReason, health } from "@trust-registry/proto"
import { RegistryError } from "./errors.js"
import type { RpcContext } from "./rpc/context.js"
import type { Handlers } from "./rpc/handlers.js"
import { PlainStatusError } from "./rpc/status.js"

/** Whether the database answers, with notifications of changes. */
export interface Availability {
  /** Whether it answered recently. */
  readonly available: boolean
  /** Calls the listener after each change; returns the function that removes it. */
  onChange(listener: () => void): () => void
}

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = health.HealthCheckResponse_ServingStatus

/**
 * grpc.health.v1 for the server as a whole (the empty name) and for each of `services` by full name. They are SERVING while the
 * database answers and the server is not stopping. A Watch sends the current status, then the newest after changes, and ends
 * with UNAVAILABLE when the server stops.
 */
export function createHealthHandlers(
  services: readonly string[],
  database: Availability,
  draining: AbortSignal,
): Handlers<typeof health.Health, RpcContext> {
  const names = new Set(["", ...services])
  const changes = new EventEmitter().setMaxListeners(0)
  const announce = () => changes.emit("change")
  database.onChange(announce)
  draining.addEventListener("abort", announce)
  const statusNow = () => (database.available && !draining.aborted ? SERVING : NOT_SERVING)

  return {
    check({ service }) {
      if (!names.has(service)) throw new PlainStatusError(Code.NOT_FOUND, "this server has no such service")
      return { status: statusNow() }
    },

    list() {
      return { statuses: Object.fromEntries([...names].map((name) => [name, { status: statusNow() }])) }
    },

    async *watch({ service }, { signal }) {
      let sent: health.HealthCheckResponse_ServingStatus | undefined
      while (!signal.aborted) {
        const status = names.has(service) ? statusNow() : SERVICE_UNKNOWN
        if (status !== sent) {
          sent = status
          yield { status }
          // The status may have changed again while the caller was slow to read.
          continue
        }
        if (draining.aborted) throw new RegistryError(ErrorReason.SHUTTING_DOWN, "the server is stopping")
        await once(changes, "change", { signal })
      }
    },
  }
}
