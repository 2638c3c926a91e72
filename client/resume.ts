import { status } from "@grpc/grpc-js"
import { TrustStoreError } from "./errors.js"
import { assertMs } from "./limits.js"
import type { CallOptions } from "./options.js"
import { MAX_ATTEMPTS, RETRYABLE_CODES } from "./retry.js"
import { onAbort } from "./rpc/onAbort.js"

/** Waits between two attempts double from the first to the longest, each shortened at random, in milliseconds. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 5_000

/** Work that continues over several calls: whether it may continue, and how long it waits before that. */
export interface Resumption {
  /** The options of the next call, with the time that is left. */
  options(): CallOptions
  /** Notes that the registry responded: the patience and the delays start again. */
  progressed(): void
  /** Whether the registry has ever answered. */
  readonly heard: boolean
  /** Whether another call may mend the error, and there is time for one. */
  mayMend(error: unknown): error is TrustStoreError
  /** Waits before the next call. Throws the signal's reason once it is aborted. */
  wait(): Promise<void>
}

/**
 * Resumes work after a lost connection or a temporary failure.
 *
 * @param patienceMs the longest time without any answer, in milliseconds; the caller's own `timeoutMs` bounds all of it
 */
export function resumption(options: CallOptions = {}, patienceMs = Number.POSITIVE_INFINITY): Resumption {
  const { signal, timeoutMs = Number.POSITIVE_INFINITY } = options
  assertMs("timeoutMs", timeoutMs)
  const deadline = performance.now() + timeoutMs
  const left = () => deadline - performance.now()
  let waitMs = FIRST_WAIT_MS
  let heard = false
  let failingSince: number | undefined
  return {
    options: () =>
      timeoutMs === Number.POSITIVE_INFINITY ? options : { ...options, timeoutMs: Math.max(1, left()) },
    get heard() {
      return heard
    },
    progressed() {
      heard = true
      waitMs = FIRST_WAIT_MS
      failingSince = undefined
    },
    mayMend(error): error is TrustStoreError {
      failingSince ??= performance.now()
      if (left() <= DEADLINE_SLACK_MS || performance.now() - failingSince > patienceMs) return false
      return isPassing(error, heard)
    },
    async wait() {
      const ms = waitMs * (0.5 + Math.random() / 2)
      waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)
      await pause(Math.max(0, Math.min(ms, left())), signal)
    },
  }
}

type UnaryCall = (request: object, options?: CallOptions) => Promise<unknown>

/**
 * Wraps a unary call: retries it after a lost connection. grpc-js retries the codes of its retry policy itself; a connection or a
 * proxy may end a call with any other.
 *
 * @param defaultTimeoutMs the deadline of a call without its own, in milliseconds
 */
export function sentAgain(call: UnaryCall, defaultTimeoutMs: number): UnaryCall {
  return async (request, options) => {
    const { timeoutMs = defaultTimeoutMs } = options ?? {}
    const resuming = resumption({ ...options, timeoutMs })
    for (let attempt = 1; ; attempt++) {
      try {
        return await call(request, resuming.options())
      } catch (error) {
        const isOurs = isLostLine(error) && !RETRYABLE_CODES.has(error.code)
        if (attempt === MAX_ATTEMPTS || !isOurs || !resuming.mayMend(error)) throw error
      }
      await resuming.wait()
    }
  }
}

async function pause(ms: number, signal: AbortSignal | undefined) {
  signal?.throwIfAborted()
  await new Promise<void>((resolve) => {
    const timer = setTimeout(end, ms)
    const forget = signal && onAbort(signal, end)
    function end() {
      clearTimeout(timer)
      forget?.()
      resolve()
    }
  })
  signal?.throwIfAborted()
}

/** A registry ends a call at its deadline, and its status may arrive a little before ours passes. */
const DEADLINE_SLACK_MS = 20

/** Whether the registry itself did not answer: the status of a lost line, of grpc-js, or of a proxy has none of its reasons. */
export function isLostLine(error: unknown): error is TrustStoreError {
  return error instanceof TrustStoreError && !error.details.some(isReason) && !TOO_LARGE.test(error.message)
}

/** The domain of the registry's reasons, or none: proxies have reasons of their own. */
const DOMAINS = new Set(["trustregistry", ""])

/** Whether a detail is a reason of the registry, and not one that a proxy gave. */
export function isReason(detail: { $typeName: string; domain?: string }): boolean {
  return detail.$typeName === "google.rpc.ErrorInfo" && DOMAINS.has(detail.domain ?? "")
}

/** What grpc-js says of a message over a limit; the next attempt would be over it too. */
const TOO_LARGE = /larger than (max|the \d+ bytes)/

/**
 * Whether another attempt may end otherwise. What has a reason of the registry is its answer, except for the reasons that
 * pass. All else came from the line or a proxy, which a restart or a deployment of theirs can make say anything. Only before the
 * registry was ever heard, a status that denies the caller or the method counts: the address is perhaps not a registry.
 */
function isPassing(error: unknown, heard: boolean): error is TrustStoreError {
  if (isLostLine(error)) return heard || !DENIALS.has(error.code)
  return error instanceof TrustStoreError && PASSING.has(error.reason ?? "")
}

const PASSING = new Set(["SHUTTING_DOWN", "DATABASE_UNAVAILABLE", "OVERLOADED"])

const DENIALS = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
])
