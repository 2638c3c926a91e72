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
import type { Sendable } from "@trust-registry/proto"

/** The functions that answer a service's RPCs, one per RPC, by kind of call. A missing one does not compile. */
export type Handlers<Desc extends DescService, Context> = {
  [Name in keyof Desc["method"]]: Handler<Desc["method"][Name], Context>
}

/**
 * The function that answers one RPC. It throws to fail the call.
 *
 * A stream of requests that the caller cancels may end like a complete one: grpc-js half-closes before it resets. Where
 * a partial stream must not pass for a complete one, the last message has to say that it is the last.
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

/** A handler of any kind. Which kind it is, the method's descriptor knows and the compiler has checked. */
export type AnyHandler<Context> = (
  input: unknown,
  context: Context,
) => Promise<unknown> & AsyncIterable<unknown> & Sendable<DescMethod["output"]>

/** A call as grpc-js hands it over, of any kind. */
export type ServerCall = grpc.ServerUnaryCall<Buffer, unknown> &
  grpc.ServerReadableStream<Buffer, unknown> &
  grpc.ServerWritableStream<Buffer, unknown> &
  grpc.ServerDuplexStream<Buffer, unknown>
