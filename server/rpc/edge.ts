import type { DescService } from "@bufbuild/protobuf"
import { status as Code } from "@grpc/grpc-js"
import { type Edge, ErrorReason, type Handlers } from "@trust-registry/proto"
import { RegistryError } from "../errors.js"
import type { Log } from "../log.js"
import { Call, type CallBounds } from "./call.js"
import type { RpcContext } from "./context.js"
import { countFields } from "./fieldCount.js"
import { itemErrorOf } from "./itemError.js"
import { logAnswer, logError, logItemError, logPlainStatus } from "./journal.js"
import { PlainStatusError, registryErrorOf, statusOf } from "./status.js"

/** The one path round every RPC. */
export interface RpcEdge extends Edge<RpcContext> {
  /** The same handlers, each unary one kept within the bounds of its call, and what the request is about noted for the log. */
  guard<Desc extends DescService>(handlers: Handlers<Desc, RpcContext>): Handlers<Desc, RpcContext>
  /** Fails every unary call that is still open with SHUTTING_DOWN. */
  cutOff(): void
}

/** What the path round every RPC is made of. */
export interface EdgeOptions extends Omit<CallBounds, "itemError"> {
  readonly log: Log
  /** Hears of the end of every call. */
  readonly ended?: ((context: RpcContext, code: Code) => void) | undefined
}

/** Makes the path round every RPC: who calls and until when, the handler within its bounds, log, measure and status. */
export function createEdge({ log, ended, ...times }: EdgeOptions): RpcEdge {
  const waiting = new Map<Call, (error: RegistryError) => void>()
  const itemError = (context: RpcContext, thrown: unknown, prefix?: string) => {
    const error = registryErrorOf(thrown)
    logItemError(log, context, error)
    return itemErrorOf(error, prefix)
  }
  const bounds = { ...times, itemError }
  return {
    open: (method, call, signal) => new Call(method, call, signal, bounds),
    close(context, thrown) {
      if (thrown === undefined) {
        logAnswer(log, context)
        ended?.(context, Code.OK)
        return {}
      }
      if (thrown instanceof PlainStatusError) {
        logPlainStatus(log, context, thrown.code)
        ended?.(context, thrown.code)
        return { code: thrown.code, details: thrown.message }
      }
      const error = registryErrorOf(causeOfEnd(context, thrown))
      logError(log, context, error)
      const status = statusOf(error, context.deadline - Date.now())
      ended?.(context, status.code ?? Code.UNKNOWN)
      return status
    },
    inspect: ({ input }, bytes) => {
      // Each takes two bytes at least, so that small requests need no counting.
      if (bytes.length > MAX_FIELDS && countFields(input, bytes, MAX_FIELDS) > MAX_FIELDS) throw tooMany()
    },
    unreadable: (method, cause) =>
      new RegistryError(
        ErrorReason.INVALID_REQUEST,
        `the bytes of the request are no ${method.input.typeName}`,
        {
          violations: [
            { field: "", description: `must be the protobuf encoding of a ${method.input.typeName}` },
          ],
          cause,
        },
      ),
    guard: (handlers) => guardAll(handlers, waiting),
    cutOff() {
      const error = new RegistryError(
        ErrorReason.SHUTTING_DOWN,
        "the server stopped before the call was done",
      )
      for (const fail of waiting.values()) fail(error)
    },
  }
}

/** Most fields and items of a request: one mebibyte of real records has far fewer. */
const MAX_FIELDS = 200_000

function tooMany() {
  return new RegistryError(
    ErrorReason.INVALID_REQUEST,
    `the request has more than ${MAX_FIELDS} fields and items`,
    {
      violations: [{ field: "", description: `must have at most ${MAX_FIELDS} fields and items` }],
    },
  )
}

/** Work that was told to end says so in many ways (AbortError and the like); the reason it was given says why. */
function causeOfEnd({ signal }: RpcContext, thrown: unknown) {
  const aborted = signal.aborted && thrown instanceof Error && thrown.name === "AbortError"
  return aborted ? signal.reason : thrown
}

type Waiting = Map<Call, (error: RegistryError) => void>
type AnyHandler = (input: unknown, context: RpcContext) => unknown

function guardAll<Guarded extends object>(handlers: Guarded, waiting: Waiting): Guarded {
  const pairs = Object.entries(handlers).map(([name, handler]) => {
    const guarded = (input: unknown, context: RpcContext) => {
      noteSubject(input as Subject, context)
      const answer = (handler as AnyHandler)(input, context)
      return answer instanceof Promise ? within(answer, context as Call, waiting) : answer
    }
    return [name, guarded]
  })
  // The same names with functions of the same types; Object.fromEntries cannot express it.
  return Object.fromEntries(pairs) as Guarded
}

/** What requests are about: they name their agent or authority, or hold its chain or all of it. */
interface Subject {
  agentId?: string
  chain?: { genesis?: { agentId?: string } }
  authorityId?: string
  authority?: { id?: string }
}

function noteSubject(request: Subject, context: RpcContext) {
  const agentId = request.agentId ?? request.chain?.genesis?.agentId
  if (agentId !== undefined) context.agentId = agentId
  const authorityId = request.authorityId ?? request.authority?.id
  if (authorityId !== undefined) context.authorityId = authorityId
}

/** The answer, unless the call's time runs out or the server stops first: then the work is told to end, and not waited for. */
function within<Answer>(answer: Promise<Answer>, call: Call, waiting: Waiting): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (error: RegistryError) => {
      call.end(error)
      reject(error)
    }
    const timer = setTimeout(() => fail(overdue()), Math.min(LONGEST_TIMER, call.deadline - Date.now()))
    waiting.set(call, fail)
    const settle = () => {
      clearTimeout(timer)
      waiting.delete(call)
    }
    answer.then(
      (value) => {
        settle()
        resolve(value)
      },
      (error) => {
        settle()
        reject(error)
      },
    )
  })
}

/** Timers that are longer fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1

function overdue() {
  return new RegistryError(ErrorReason.DEADLINE_EXCEEDED, "the call took longer than it may")
}
