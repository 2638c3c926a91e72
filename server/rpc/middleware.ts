import type { DescMethod, DescService } from "@bufbuild/protobuf"
import {
  status as Code,
  type StatusObject,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js"
import { type Encoded, ErrorReason, encode } from "@trust-registry/proto"
import { RegistryError } from "../errors.js"
import { Call, type CallBounds } from "./call.js"
import { logAnswer, logError, logPlainStatus } from "./callLog.js"
import type { RpcContext } from "./context.js"
import type { AnyHandler, Handlers, ServerCall } from "./handlers.js"
import { PendingCalls } from "./pendingCalls.js"
import { sendReplies } from "./replies.js"
import { readRequest, readRequests } from "./requests.js"
import { PlainStatusError, registryErrorOf, statusOf } from "./status.js"
import { noteSubject } from "./subject.js"

/** What the middleware needs to run a call. */
export interface MiddlewareOptions extends CallBounds {
  /** Called once at the end of every call, with the code of its status. */
  readonly ended?: ((context: RpcContext, code: Code) => void) | undefined
}

/** A service and its implementation, for `Server.addService`. */
export interface Service {
  readonly desc: DescService
  readonly implementation: UntypedServiceImplementation
}

/** Runs the RPCs of all services, see {@link createMiddleware}. */
export interface Middleware {
  /** Binds a service to its handlers. */
  service<Desc extends DescService>(desc: Desc, handlers: Handlers<Desc, RpcContext>): Service
  /** Fails every unary call that is still pending with SHUTTING_DOWN. */
  cutOff(): void
}

/**
 * Makes the middleware, which every call passes once, in this order:
 *
 * 1. open: a {@link Call} holds who calls, what, and since when
 * 2. inspect the bytes of the request, before they are worth any work
 * 3. decode them
 * 4. handle: run the handler, a pending answer bounded by the call's deadline and the end of the drain
 * 5. encode the reply
 * 6. close: log, measure, and turn an error into the status
 */
export function createMiddleware({ ended, ...bounds }: MiddlewareOptions): Middleware {
  const pending = new PendingCalls()
  const steps: Steps = {
    open: (method, raw) => new Call(method, raw, bounds),
    bound: (answer, call) => pending.bound(answer, call),
    close(call) {
      call.finish()
      logAnswer(bounds.log, call)
      ended?.(call, Code.OK)
    },
    fail(call, thrown) {
      call.finish()
      const status = failureStatus(call, thrown, bounds)
      ended?.(call, status.code ?? Code.UNKNOWN)
      return status
    },
  }
  return {
    service: (desc, handlers) => ({ desc, implementation: implement(desc, handlers, steps) }),
    cutOff: () =>
      pending.failAll(
        new RegistryError(ErrorReason.SHUTTING_DOWN, "the server stopped before the call was done"),
      ),
  }
}

/** The steps that are the same for all kinds of call and need the server's options. */
interface Steps {
  open(method: DescMethod, raw: ServerCall): Call
  bound(answer: Promise<unknown>, call: Call): Promise<unknown>
  close(call: Call): void
  fail(call: Call, thrown: unknown): Partial<StatusObject>
}

function implement<Desc extends DescService>(desc: Desc, handlers: Handlers<Desc, RpcContext>, steps: Steps) {
  const pairs = desc.methods.map((method) => {
    const handler = handlers[method.localName as keyof Desc["method"]] as AnyHandler<RpcContext>
    const run = method.methodKind === "unary" ? runUnary : runStream
    return [method.localName, run(method, handler, steps)]
  })
  return Object.fromEntries(pairs)
}

/** Makes no promise where the handler answers without one: its turns cost a tenth of the time of an answer from memory. */
function runUnary(method: DescMethod, handler: AnyHandler<RpcContext>, { open, bound, close, fail }: Steps) {
  return (raw: ServerCall, callback: sendUnaryData<unknown>) => {
    const call = open(method, raw)
    const refuse = (error: unknown) => callback(fail(call, error))
    const send = (bytes: Buffer) => {
      close(call)
      callback(null, bytes)
    }
    const reply = (answer: unknown) => {
      const bytes = encode(method.output, answer as Encoded)
      const room = call.share?.answer(bytes.length)
      if (room) room.then(() => send(bytes)).catch(refuse)
      else send(bytes)
    }
    const handle = (request: object) => handler(noteSubject(request, call), call)
    try {
      call.share?.read(raw.request.length, true)
      const request = readRequest(method, raw.request)
      const answer = request instanceof Promise ? request.then(handle) : handle(request)
      if (answer instanceof Promise) bound(answer, call).then(reply).catch(refuse)
      else reply(answer)
    } catch (error) {
      refuse(error)
    }
  }
}

/** All kinds of call with a stream in or out. Only the promise of a call that streams in and not out is bounded. */
function runStream(method: DescMethod, handler: AnyHandler<RpcContext>, { open, bound, close, fail }: Steps) {
  const streamsIn = method.methodKind !== "server_streaming"
  const streamsOut = method.methodKind !== "client_streaming"
  return async (raw: ServerCall, callback?: sendUnaryData<unknown>) => {
    const call = open(method, raw)
    try {
      if (call.share) call.share.isStream = streamsOut
      const input = streamsIn
        ? readRequests(method, raw, call)
        : noteSubject(await readRequest(method, raw.request), call)
      const answer = handler(input, call)
      if (streamsOut) await sendReplies(method, raw, answer, call)
      const bytes = streamsOut ? undefined : encode(method.output, (await bound(answer, call)) as Encoded)
      close(call)
      if (callback) callback(null, bytes)
      else raw.end()
    } catch (error) {
      const status = fail(call, error)
      // `destroy` would leave the caller waiting for its deadline; an "error" event ends the call with this status.
      if (callback) callback(status)
      else raw.emit("error", status)
    }
  }
}

function failureStatus(call: Call, thrown: unknown, { log }: CallBounds): Partial<StatusObject> {
  if (thrown instanceof PlainStatusError) {
    logPlainStatus(log, call, thrown.code)
    return thrown.status
  }
  const error = registryErrorOf(causeOf(thrown, call))
  logError(log, call, error)
  return statusOf(error, call.deadline - performance.now())
}

/** Aborted work throws an AbortError of one kind or another; the reason of the call's signal says why it was aborted. */
function causeOf(thrown: unknown, { signal }: RpcContext) {
  const aborted = thrown instanceof Error && thrown.name === "AbortError" && signal.aborted
  return aborted ? signal.reason : thrown
}
