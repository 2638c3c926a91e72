import { create, createFileRegistry } from "@bufbuild/protobuf"
import type { GenService } from "@bufbuild/protobuf/codegenv2"
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  type StringValueSchema,
} from "@bufbuild/protobuf/wkt"
import * as grpc from "@grpc/grpc-js"
import { serviceDefinition } from "@trust-registry/proto"
import { type CallerEdge, createCalls } from "../../client/rpc/calls.js"
import { createLog, type Log } from "../../server/log.js"
import type { RpcContext } from "../../server/rpc/context.js"
import { createGrpcServer } from "../../server/rpc/deadlines.js"
import type { Handlers } from "../../server/rpc/handlers.js"
import { createMiddleware } from "../../server/rpc/middleware.js"
import { PlainStatusError } from "../../server/rpc/status.js"

type Text = typeof StringValueSchema

/** A service with one method of each kind, built at run time. Requests and replies are StringValues. */
export const Echo = describeEcho()

type EchoService = GenService<{
  one: { methodKind: "unary"; input: Text; output: Text }
  many: { methodKind: "server_streaming"; input: Text; output: Text }
  gather: { methodKind: "client_streaming"; input: Text; output: Text }
  talk: { methodKind: "bidi_streaming"; input: Text; output: Text }
}>

/** Options of an echo call. */
export interface EchoOptions {
  signal?: AbortSignal
  timeoutMs?: number
}

export type EchoHandlers = Handlers<EchoService, RpcContext>

/** Options of an echo server. */
export interface EchoSetup {
  /** Unlimited by default. */
  callTimeoutMs?: number
  /** Receives the log lines. */
  log?: Log
}

/** Starts a server with these handlers on a free port, and a client. `ends` collects the status code of each ended call. */
export async function startEcho(
  handlers: Partial<EchoHandlers>,
  { callTimeoutMs = Number.POSITIVE_INFINITY, log = createLog("silent") }: EchoSetup = {},
) {
  const ends: grpc.status[] = []
  const draining = new AbortController()
  const server = createGrpcServer()
  const middleware = createMiddleware({
    log,
    callTimeoutMs,
    draining: draining.signal,
    ended: (_context, code) => ends.push(code),
  })
  const all = { one: missing, many: missing, gather: missing, talk: missing, ...handlers }
  server.addService(serviceDefinition(Echo), middleware.service(Echo, all).implementation)
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  )
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    "grpc.enable_http_proxy": 0,
    "grpc.max_receive_message_length": -1,
  })
  const stop = () => {
    client.close()
    server.forceShutdown()
  }
  return { calls: createCalls(Echo, client, callerEdge), client, ends, middleware, draining, stop }
}

function missing(): never {
  throw new PlainStatusError(grpc.status.UNIMPLEMENTED, "not in this test")
}

const callerEdge: CallerEdge<EchoOptions> = {
  open: (_method, options) => ({
    metadata: new grpc.Metadata(),
    options: options?.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs },
    signal: options?.signal,
  }),
  fail: (_method, error) => error as Error,
}

function describeEcho(): EchoService {
  const text = ".google.protobuf.StringValue"
  const method = (name: string, clientStreaming: boolean, serverStreaming: boolean) => ({
    name,
    inputType: text,
    outputType: text,
    clientStreaming,
    serverStreaming,
  })
  const file = create(FileDescriptorProtoSchema, {
    name: "echo.proto",
    package: "test",
    syntax: "proto3",
    dependency: ["google/protobuf/wrappers.proto"],
    service: [
      {
        name: "Echo",
        method: [
          method("One", false, false),
          method("Many", false, true),
          method("Gather", true, false),
          method("Talk", true, true),
        ],
      },
    ],
  })
  const registry = createFileRegistry(file, () => file_google_protobuf_wrappers)
  // Built at run time, so the compiler cannot infer its type.
  return registry.getService("test.Echo") as unknown as EchoService
}
