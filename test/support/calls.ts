import type { DescMessage, DescService, MessageShape } from "@bufbuild/protobuf"
import { anyUnpack } from "@bufbuild/protobuf/wkt"
import * as grpc from "@grpc/grpc-js"
import {
  BadRequestSchema,
  decode,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
  type Status,
  StatusSchema,
} from "@trust-registry/proto"
import { type Calls, createCalls } from "../../client/rpc/calls.js"
import { scaled } from "./slowness.js"

/** Options of a single call. */
export interface CallOptions {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

/** Opens a bare grpc-js connection without retries, so that tests see failures as they come over the wire. */
export function connectTo(
  address: string,
  credentials = grpc.credentials.createInsecure(),
  options: grpc.ChannelOptions = {},
) {
  const channel = new grpc.Client(address, credentials, { "grpc.enable_retries": 0, ...options })
  return {
    channel,
    calls: <Desc extends DescService>(desc: Desc): Calls<Desc, CallOptions> =>
      createCalls(desc, channel, EDGE),
    close: () => channel.close(),
  }
}

const EDGE = {
  open: (_method: unknown, { signal, timeoutMs = scaled(60_000) }: CallOptions = {}) => ({
    options: { deadline: Date.now() + timeoutMs },
    metadata: new grpc.Metadata(),
    signal,
  }),
  fail: (_method: unknown, error: unknown) => error as Error,
}

/** Returns the google.rpc details of a failed call, by kind. */
export function detailsOf(error: Pick<grpc.ServiceError, "metadata">) {
  const [bytes] = error.metadata.get("grpc-status-details-bin")
  const status = decode(StatusSchema, bytes as Buffer)
  return { bytes: (bytes as Buffer).length, status, ...detailsIn(status) }
}

/** Returns the details of a google.rpc.Status, of a call or of one item of a batch, by kind. */
export function detailsIn(status: Status) {
  const find = <Schema extends DescMessage>(schema: Schema): MessageShape<Schema> | undefined =>
    status.details.map((any) => anyUnpack(any, schema)).find((message) => message !== undefined)
  return {
    info: find(ErrorInfoSchema),
    badRequest: find(BadRequestSchema),
    resource: find(ResourceInfoSchema),
    precondition: find(PreconditionFailureSchema),
    retry: find(RetryInfoSchema),
  }
}

/** Returns the error of a call that fails; throws if it succeeds. */
export async function failureOf(call: Promise<unknown>): Promise<grpc.ServiceError> {
  const outcome = await call.then(
    () => undefined,
    (error) => error as grpc.ServiceError,
  )
  if (!outcome) throw new Error("the call did not fail")
  return outcome
}
