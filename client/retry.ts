import type { DescMethod, DescService } from "@bufbuild/protobuf"
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt"
import { type ServiceConfig, status } from "@grpc/grpc-js"

/** Attempts in total; grpc-js allows at most 5. With the delays below they take about 1.5 s, 3 s at most. */
export const MAX_ATTEMPTS = 5

/**
 * Returns the service config that makes grpc-js retry failed calls: an entry for each unary RPC that the contract marks
 * idempotent. (An entry for the whole service would apply to streams too, and buffer all their responses.)
 *
 * Delays double from 0.2 s, each shortened at random, unless the registry says how long to wait. When most calls fail,
 * throttling stops the retries, so that a registry in trouble does not get five times the calls.
 */
export function serviceConfig(...services: DescService[]): ServiceConfig {
  const methods = services.flatMap((service) => service.methods).filter(isRetryable)
  return {
    loadBalancingConfig: [],
    methodConfig: methods.map((method) => ({
      name: [{ service: method.parent.typeName, method: method.name }],
      retryPolicy: {
        maxAttempts: MAX_ATTEMPTS,
        initialBackoff: "0.2s",
        maxBackoff: "2s",
        backoffMultiplier: 2,
        retryableStatusCodes: [...RETRYABLE],
      },
    })),
    retryThrottling: { maxTokens: 1000, tokenRatio: 0.5 },
  }
}

/**
 * UNAVAILABLE: no connection, no database, or the server is stopping. RESOURCE_EXHAUSTED: overloaded, with the time to wait.
 * CANCELLED: how grpc-js reports a stream that a stopping server resets; a call cancelled by its caller has ended by then.
 */
const RETRYABLE = ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"] as const

/** The codes of failed calls that grpc-js sends again. */
export const RETRYABLE_CODES: ReadonlySet<status> = new Set(RETRYABLE.map((name) => status[name]))

/** Whether sending a call again does no harm. */
export function isRetryable(method: DescMethod): boolean {
  return (
    method.methodKind === "unary" && method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN
  )
}
