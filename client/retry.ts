import type { DescMethod, DescService } from "@bufbuild/protobuf"
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt"
import { type CallOptions, type Client, type Metadata, type ServiceError, status } from "@grpc/grpc-js"
import { methodDefinition } from "@trust-registry/proto"

/** Attempts in all. With the waits below those that fail at once span about 3 s. */
export const MAX_ATTEMPTS = 5

/** The first wait; each further one is twice as long, up to the largest, and all are spread by a fifth. */
const FIRST_WAIT_MS = 200
const LARGEST_WAIT_MS = 2_000

/**
 * The client, with failed unary calls sent again where the contract calls the RPC idempotent, by the rules of gRPC's
 * retries (gRFC A6): a registry that says how long to wait is obeyed, and when most calls fail no more are sent again, so
 * that a registry in trouble does not get five times the calls. A stream is never sent again.
 *
 * grpc-js does so too, but keeps what the attempts failed with to itself: a call that its deadline ends would not tell
 * that there is no database. Here such a call fails with what its last attempt failed with, and at once when the
 * next wait would pass the deadline.
 */
export function withRetries(client: Client, services: readonly DescService[]): Client {
  const methods = services.flatMap((service) => service.methods).filter(isRetryable)
  const paths = new Set(methods.map((method) => methodDefinition(method).path))
  const throttle = createThrottle()
  const makeUnaryRequest: UnaryRequest = (path, ...rest) => {
    const send: UnaryRequest = (...args) => client.makeUnaryRequest(...args)
    return paths.has(path) ? sendAgain(send, throttle, path, ...rest) : send(path, ...rest)
  }
  return Object.assign(Object.create(client), { makeUnaryRequest })
}

/** Whether a failed call may be sent again: no stream, and idempotent by the contract. */
export function isRetryable(method: DescMethod): boolean {
  return (
    method.methodKind === "unary" && method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN
  )
}

type Bytes = (bytes: Buffer) => Buffer
type Done = (error: ServiceError | null, value?: Buffer) => void
type UnaryRequest = (
  path: string,
  serialize: Bytes,
  deserialize: Bytes,
  request: Buffer,
  metadata: Metadata,
  options: CallOptions,
  done: Done,
) => { cancel(): void }

function sendAgain(send: UnaryRequest, throttle: Throttle, ...call: Parameters<UnaryRequest>) {
  const [path, serialize, deserialize, request, metadata, options, done] = call
  let attempt: { cancel(): void }
  let timer: NodeJS.Timeout | undefined
  let cancelled = false
  let attempts = 0
  let wait = FIRST_WAIT_MS
  let last: ServiceError | undefined

  const start = () => {
    attempts++
    attempt = send(path, serialize, deserialize, request, metadata.clone(), options, ended)
  }

  const startAgain = () => {
    try {
      start()
    } catch {
      // The connection was closed meanwhile.
      done(last as ServiceError)
    }
  }

  const ended: Done = (error, value) => {
    if (error === null) throttle.succeeded()
    if (error === null || cancelled) return done(error, value)
    if (!mayPass(error)) return done(error.code === status.DEADLINE_EXCEEDED && last ? last : error)
    throttle.failed()
    last = error
    const pushback = pushbackOf(error)
    const delay = pushback ?? spread(wait)
    wait = pushback === undefined ? Math.min(2 * wait, LARGEST_WAIT_MS) : FIRST_WAIT_MS
    const late = Date.now() + delay >= Number(options.deadline ?? Infinity)
    if (attempts >= MAX_ATTEMPTS || delay < 0 || late || !throttle.mayRetry()) return done(error)
    timer = setTimeout(startAgain, delay)
  }

  start()
  return {
    cancel() {
      cancelled = true
      clearTimeout(timer)
      attempt.cancel()
    },
  }
}

/**
 * UNAVAILABLE: no line, no database, or stopping. CANCELLED: what grpc-js makes of a stream that a stopping server resets.
 * RESOURCE_EXHAUSTED: overloaded, which comes with the time to wait; without it, a message that is too large.
 */
function mayPass(error: ServiceError) {
  if (error.code === status.RESOURCE_EXHAUSTED) return pushbackOf(error) !== undefined
  return error.code === status.UNAVAILABLE || error.code === status.CANCELLED
}

/** How long the registry says to wait, in milliseconds; below 0 where it says not to come back. */
function pushbackOf({ metadata }: ServiceError): number | undefined {
  const [text] = metadata.get("grpc-retry-pushback-ms")
  if (text === undefined) return undefined
  // What is no number means the same as one below 0 (gRFC A6).
  return /^\d{1,9}$/.test(`${text}`) ? Number(text) : -1
}

function spread(ms: number) {
  return ms * (0.8 + 0.4 * Math.random())
}

interface Throttle {
  succeeded(): void
  failed(): void
  mayRetry(): boolean
}

const MAX_TOKENS = 1000
const TOKENS_OF_A_SUCCESS = 0.5

/** Each failure takes a token and each success gives a part of one back; with half of them or fewer nothing is sent again. */
function createThrottle(): Throttle {
  let tokens = MAX_TOKENS
  return {
    succeeded: () => {
      tokens = Math.min(MAX_TOKENS, tokens + TOKENS_OF_A_SUCCESS)
    },
    failed: () => {
      tokens = Math.max(0, tokens - 1)
    },
    mayRetry: () => tokens > MAX_TOKENS / 2,
  }
}
