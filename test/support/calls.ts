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

/** How one call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

/** A bare grpc-js connection without retries: what fails is told as it came over the wire. */
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

/** The google.rpc details of a failed call, each kind by its name. */
export function detailsOf(error: Pick<grpc.ServiceError, "metadata">) {
  const [bytes] = error.metadata.get("grpc-status-details-bin")
  const status = decode(StatusSchema, bytes as Buffer)
  return { bytes: (bytes as Buffer).length, status, ...detailsIn(status) }
}

/** The details of a google.rpc.Status, that of a call or that of one item of many, each kind by its name. */
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

/** What the call failed with; throws if it did not fail. */
export async function failureOf(call: Promise<unknown>): Promise<grpc.ServiceError> {
  const outcome = await call.then(
    () => undefined,
    (error) => error as grpc.ServiceError,
  )
  if (!outcome) throw new Error("the call did not fail")
  return outcome
}
