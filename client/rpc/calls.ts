import { once } from "node:events"
import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf"
import { create } from "@bufbuild/protobuf"
import type * as grpc from "@grpc/grpc-js"
import { decode, encode, methodDefinition } from "@trust-registry/proto"
import { onAbort } from "./onAbort.js"
import { assertWellFormed } from "./wellFormed.js"

/** The functions that call a service's RPCs, one per RPC, by kind of call. */
export type Calls<Desc extends DescService, Options> = {
  [Name in keyof Desc["method"]]: Call<Desc["method"][Name], Options>
}

/**
 * The function that calls one RPC. Promises reject, and iterations throw, with the error from {@link CallerEdge.fail}, or
 * with the reason of the signal that cancelled the call.
 */
export type Call<Method extends DescMethod, Options> =
  Method extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: Options) => Promise<MessageShape<O>>
    : Method extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: Options) => AsyncIterable<MessageShape<O>>
      : Method extends DescMethodClientStreaming<infer I, infer O>
        ? (requests: AsyncIterable<MessageInitShape<I>>, options?: Options) => Promise<MessageShape<O>>
        : Method extends DescMethodBiDiStreaming<infer I, infer O>
          ? (
              requests: AsyncIterable<MessageInitShape<I>>,
              options?: Options,
            ) => AsyncIterable<MessageShape<O>>
          : never

/** How a client sets up its calls and reports their failures. */
export interface CallerEdge<Options> {
  /** The grpc-js options, metadata and signal of a call. */
  open(method: DescMethod, options: Options | undefined): CallSetup
  /** Converts the failure of a call to the error for its caller; `request` is undefined for a stream of requests. */
  fail(method: DescMethod, error: unknown, request?: object): Error
}

/** The setup of one call. */
export interface CallSetup {
  /** Deadline and other grpc-js options. */
  options: grpc.CallOptions
  /** Metadata to send. */
  metadata: grpc.Metadata
  /** Throws for a message of so many bytes that the registry does not take. */
  assureSize?: ((bytes: number) => void) | undefined
  /** Cancels the call. */
  signal?: AbortSignal | undefined
}

/** What makes the calls: a grpc-js client, or what chooses one for each call. */
export type Caller = Pick<
  grpc.Client,
  "makeUnaryRequest" | "makeClientStreamRequest" | "makeServerStreamRequest" | "makeBidiStreamRequest"
>

/** Creates a typed function for every RPC of a service. */
export function createCalls<Desc extends DescService, Options>(
  desc: Desc,
  client: Caller,
  edge: CallerEdge<Options>,
): Calls<Desc, Options> {
  const pairs = desc.methods.map((method) => [method.localName, callOf(method, client, edge)])
  // One function per method kind, as the mapped type says; Object.fromEntries cannot express it.
  return Object.fromEntries(pairs) as Calls<Desc, Options>
}

function callOf<Options>(method: DescMethod, client: Caller, edge: CallerEdge<Options>) {
  switch (method.methodKind) {
    case "unary":
      return (request: Init, options?: Options) => unary(method, client, edge, request, options)
    case "server_streaming":
      return (request: Init, options?: Options) => serverStream(method, client, edge, request, options)
    case "client_streaming":
      return (requests: AsyncIterable<Init>, options?: Options) =>
        clientStream(method, client, edge, requests, options)
    case "bidi_streaming":
      return (requests: AsyncIterable<Init>, options?: Options) =>
        bidiStream(method, client, edge, requests, options)
  }
}

type Init = MessageInitShape<DescMethod["input"]>

function unary<O>(method: DescMethod, client: Caller, edge: CallerEdge<O>, request: Init, options?: O) {
  return promised(method, about(edge, request), options, ({ metadata, options, assureSize }, done) => {
    const bytes = outgoing(method, request)
    assureSize?.(bytes.length)
    return client.makeUnaryRequest(pathOf(method), same, same, bytes, metadata, options, done)
  })
}

function clientStream<O>(
  method: DescMethod,
  client: Caller,
  edge: CallerEdge<O>,
  requests: AsyncIterable<Init>,
  options?: O,
) {
  return promised(method, edge, options, ({ metadata, options }, done) => {
    const call = client.makeClientStreamRequest(pathOf(method), same, same, metadata, options, done)
    pump(method, call, requests).catch((error) => {
      done(error)
      call.cancel()
    })
    return call
  })
}

async function* serverStream<O>(
  method: DescMethod,
  client: Caller,
  edge: CallerEdge<O>,
  request: Init,
  options?: O,
) {
  yield* replies(method, about(edge, request), options, ({ metadata, options }) =>
    client.makeServerStreamRequest(pathOf(method), same, same, outgoing(method, request), metadata, options),
  )
}

async function* bidiStream<O>(
  method: DescMethod,
  client: Caller,
  edge: CallerEdge<O>,
  requests: AsyncIterable<Init>,
  options?: O,
) {
  yield* replies(method, edge, options, ({ metadata, options }) => {
    const call = client.makeBidiStreamRequest(pathOf(method), same, same, metadata, options)
    pump(method, call, requests).catch((error) => {
      call.emit("error", error)
      call.cancel()
    })
    return call
  })
}

/** Passes the request to `fail`. */
function about<O>(edge: CallerEdge<O>, request: Init): CallerEdge<O> {
  return { ...edge, fail: (method, error) => edge.fail(method, error, request) }
}

function pathOf(method: DescMethod) {
  return methodDefinition(method).path
}

function same(bytes: Buffer) {
  return bytes
}

type Cancellable = { cancel(): void }

async function promised<O>(
  method: DescMethod,
  edge: CallerEdge<O>,
  options: O | undefined,
  start: (setup: CallSetup, done: (error: unknown, value?: Buffer) => void) => Cancellable,
) {
  const setup = edge.open(method, options)
  let stop: (() => void) | undefined
  try {
    setup.signal?.throwIfAborted()
    const bytes = await new Promise<Buffer>((resolve, reject) => {
      const call = start(setup, (error, value) => (value ? resolve(value) : reject(error)))
      stop = cancelOn(setup.signal, call, reject)
    })
    return decode(method.output, bytes)
  } catch (error) {
    throw failure(method, edge, setup, error)
  } finally {
    stop?.()
  }
}

async function* replies<O>(
  method: DescMethod,
  edge: CallerEdge<O>,
  options: O | undefined,
  start: (setup: CallSetup) => grpc.ClientReadableStream<Buffer>,
) {
  const setup = edge.open(method, options)
  let call: ReturnType<typeof start> | undefined
  let stop: (() => void) | undefined
  try {
    setup.signal?.throwIfAborted()
    call = start(setup)
    // A reader that leaves early cancels the call, which then emits an error: without a listener it would be uncaught.
    call.on("error", () => undefined)
    stop = cancelOn(setup.signal, call)
    for await (const bytes of call) {
      setup.signal?.throwIfAborted()
      yield decode(method.output, bytes as Buffer)
    }
    setup.signal?.throwIfAborted()
  } catch (error) {
    throw failure(method, edge, setup, error)
  } finally {
    stop?.()
    call?.cancel()
  }
}

function failure<O>(method: DescMethod, edge: CallerEdge<O>, setup: CallSetup, error: unknown): unknown {
  return setup.signal?.aborted ? setup.signal.reason : edge.fail(method, error)
}

async function pump(
  method: DescMethod,
  call: grpc.ClientWritableStream<Buffer>,
  requests: AsyncIterable<Init>,
) {
  let open = true
  const ended = new AbortController()
  for (const event of ["error", "status", "close"]) {
    call.on(event, () => {
      open = false
      ended.abort()
    })
  }
  for await (const request of requests) {
    if (!open) return
    const more = call.write(outgoing(method, request))
    if (!more) await once(call, "drain", { signal: ended.signal }).catch(() => undefined)
  }
  call.end()
}

function outgoing(method: DescMethod, request: Init): Buffer {
  const message = create(method.input, request)
  assertWellFormed(method.input, message)
  return encode(method.input, message)
}

function cancelOn(signal: AbortSignal | undefined, call: Cancellable, reject?: (reason: unknown) => void) {
  if (!signal) return () => undefined
  return onAbort(signal, () => {
    reject?.(signal.reason)
    call.cancel()
  })
}
