import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageShape,
} from "@bufbuild/protobuf"
import type * as grpc from "@grpc/grpc-js"
import { decode, type Encoded, encode, type Sendable } from "./wire.js"

/** The functions that answer a service's RPCs, one per RPC, by kind of call. A missing one does not compile. */
export type Handlers<Desc extends DescService, Context> = {
  [Name in keyof Desc["method"]]: Handler<Desc["method"][Name], Context>
}

/**
 * The function that answers one RPC. It throws to fail the call.
 *
 * A stream of requests that the caller cancels may end like a complete one (grpc-js half-closes before it resets), so
 * what must not be taken for complete has to say in a message that it is.
 */
export type Handler<Method extends DescMethod, Context> =
  Method extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, context: Context) => Promise<Sendable<O>> | Sendable<O>
    : Method extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, context: Context) => AsyncIterable<Sendable<O>>
      : Method extends DescMethodClientStreaming<infer I, infer O>
        ? (requests: AsyncIterable<MessageShape<I>>, context: Context) => Promise<Sendable<O>>
        : Method extends DescMethodBiDiStreaming<infer I, infer O>
          ? (requests: AsyncIterable<MessageShape<I>>, context: Context) => AsyncIterable<Sendable<O>>
          : never

/** The call as grpc-js hands it over, whatever its kind. */
export type ServerCall = grpc.ServerUnaryCall<Buffer, unknown> &
  grpc.ServerReadableStream<Buffer, unknown> &
  grpc.ServerWritableStream<Buffer, unknown> &
  grpc.ServerDuplexStream<Buffer, unknown>

/** What of its context a call itself looks at. */
export interface Streamed {
  /** Aborts when the caller is gone. */
  readonly signal: AbortSignal
  /** Aborts when the server begins to stop: a stream that waits for its reader hears of it then. */
  readonly draining?: AbortSignal
}

/** What stands round every call: `open` makes what the handler is told of it, `close` turns its end into a status. */
export interface Edge<Context extends Streamed> {
  /** Called first. `signal()` aborts when the caller cancels or its deadline passes; it is made when it is asked for. */
  open(method: DescMethod, call: ServerCall, signal: () => AbortSignal): Context
  /** Called once, last: without `error` when the handler answered. Gives the status of a failed call. */
  close(context: Context, error?: unknown): Partial<grpc.StatusObject>
  /** Looks at the bytes of a request before they are parsed; throws to fail the call. */
  inspect?(method: DescMethod, bytes: Buffer): void
  /** Turns a failure to parse the request into the error that `close` is given. */
  unreadable(method: DescMethod, cause: unknown): Error
}

/** grpc-js handlers for `server.addService(serviceDefinition(desc), …)`. */
export function implement<Desc extends DescService, Context extends Streamed>(
  desc: Desc,
  handlers: Handlers<Desc, Context>,
  edge: Edge<Context>,
): grpc.UntypedServiceImplementation {
  const pairs = desc.methods.map((method) => {
    const handler = handlers[method.localName as keyof Desc["method"]] as AnyHandler<Context>
    return [method.localName, handleCall(method, handler, edge)]
  })
  return Object.fromEntries(pairs)
}

/** All four kinds as one: which of them it is, the descriptor knows and the compiler has checked. */
type AnyHandler<Context> = (
  input: unknown,
  context: Context,
) => Promise<unknown> & AsyncIterable<unknown> & Sendable<DescMethod["output"]>

function handleCall<Context extends Streamed>(
  method: DescMethod,
  handler: AnyHandler<Context>,
  edge: Edge<Context>,
) {
  return method.methodKind === "unary"
    ? handleUnary(method, handler, edge)
    : handleStreams(method, handler, edge)
}

/** Without a promise where the handler answers without one: its turns cost a tenth of the time of an answer from memory. */
function handleUnary<Context extends Streamed>(
  method: DescMethod,
  handler: AnyHandler<Context>,
  edge: Edge<Context>,
) {
  return (call: ServerCall, callback: grpc.sendUnaryData<unknown>) => {
    const caller = listenForCancel(call)
    const context = edge.open(method, call, caller.signal)
    const answer = (given: Encoded) => {
      const reply = encode(method.output, given)
      caller.forget()
      edge.close(context)
      callback(null, reply)
    }
    const fail = (error: unknown) => {
      caller.forget()
      callback(edge.close(context, error))
    }
    try {
      const given = handler(read(method, call.request, edge), context)
      if (given instanceof Promise) given.then((value) => answer(value as Encoded)).catch(fail)
      else answer(given as Encoded)
    } catch (error) {
      fail(error)
    }
  }
}

function handleStreams<Context extends Streamed>(
  method: DescMethod,
  handler: AnyHandler<Context>,
  edge: Edge<Context>,
) {
  const streamsIn = method.methodKind !== "server_streaming"
  const streamsOut = method.methodKind !== "client_streaming"
  return async (call: ServerCall, callback?: grpc.sendUnaryData<unknown>) => {
    const caller = listenForCancel(call)
    const context = edge.open(method, call, caller.signal)
    try {
      const input = streamsIn
        ? readAll(method, call, edge, caller.signal())
        : read(method, call.request, edge)
      if (streamsOut) await sendAll(method, call, handler(input, context), caller.signal(), context.draining)
      const reply = streamsOut ? undefined : encode(method.output, (await handler(input, context)) as Encoded)
      caller.forget()
      edge.close(context)
      if (callback) callback(null, reply)
      else call.end()
    } catch (error) {
      caller.forget()
      const status = edge.close(context, error)
      // `destroy` would leave the caller waiting for its deadline; an "error" event ends the call with this status.
      if (callback) callback(status)
      else call.emit("error", status)
    }
  }
}

/**
 * Tells of the caller's leave until the call has ended: grpc-js says "cancelled" after every call. Most calls never ask for
 * the signal, and listening for it, making and aborting one take a tenth of the time of an answer from memory.
 */
function listenForCancel(call: ServerCall) {
  let left: boolean | undefined
  let abort: AbortController | undefined
  const signal = () => {
    if (abort) return abort.signal
    const made = new AbortController()
    abort = made
    if (left ?? call.cancelled) made.abort()
    else if (left === undefined) call.on("cancelled", () => left === undefined && made.abort())
    return made.signal
  }
  const forget = () => {
    left = call.cancelled
  }
  return { signal, forget }
}

type Reading = Pick<Edge<never>, "inspect" | "unreadable">

function read(method: DescMethod, bytes: Buffer, edge: Reading) {
  edge.inspect?.(method, bytes)
  try {
    return decode(method.input, bytes)
  } catch (cause) {
    throw edge.unreadable(method, cause)
  }
}

async function* readAll(method: DescMethod, call: ServerCall, edge: Reading, signal: AbortSignal) {
  // A plain `for await` destroys the call when requests end, and with it the replies that are still to be written.
  for await (const bytes of call.iterator({ destroyOnReturn: false }))
    yield read(method, bytes as Buffer, edge)
  signal.throwIfAborted()
}

/**
 * What is under way to a caller who does not read, in bytes, beside one reply and what HTTP/2 holds. grpc-js by itself would
 * take sixteen replies of any size.
 */
const MAX_UNSENT_BYTES = 128 * 1024

async function sendAll(
  method: DescMethod,
  call: ServerCall,
  replies: AsyncIterable<unknown>,
  signal: AbortSignal,
  draining: AbortSignal | undefined,
) {
  let unsent = 0
  let wake: () => void = () => undefined
  const look = () => wake()
  const rung = () =>
    new Promise<void>((resolve) => {
      wake = resolve
    })
  signal.addEventListener("abort", look)
  draining?.addEventListener("abort", look)
  try {
    for await (const reply of replies) {
      signal.throwIfAborted()
      const bytes = encode(method.output, reply as Encoded)
      unsent += bytes.length
      call.write(bytes, () => {
        unsent -= bytes.length
        wake()
      })
      const stopping = draining?.aborted
      // A caller who is gone never reads; and one who does not read must not keep the handler from ending when the server
      // begins to stop.
      while (unsent > MAX_UNSENT_BYTES && !signal.aborted && draining?.aborted === stopping) await rung()
    }
  } catch (error) {
    // The status would overtake what was answered before.
    while (unsent > 0 && !signal.aborted) await rung()
    throw error
  } finally {
    signal.removeEventListener("abort", look)
    draining?.removeEventListener("abort", look)
  }
}
