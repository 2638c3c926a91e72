import { create, createFileRegistry } from "@bufbuild/protobuf"
import type { GenService } from "@bufbuild/protobuf/codegenv2"
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  type StringValueSchema,
} from "@bufbuild/protobuf/wkt"
import * as grpc from "@grpc/grpc-js"
import { type Edge, type Handlers, implement, serviceDefinition } from "@trust-registry/proto"
import { type CallerEdge, createCalls } from "../../client/rpc/calls.js"

type Text = typeof StringValueSchema

/** A service of one method of each kind, built at run time; all of them take and give a StringValue. */
export const Echo = describeEcho()

type EchoService = GenService<{
  one: { methodKind: "unary"; input: Text; output: Text }
  many: { methodKind: "server_streaming"; input: Text; output: Text }
  gather: { methodKind: "client_streaming"; input: Text; output: Text }
  talk: { methodKind: "bidi_streaming"; input: Text; output: Text }
}>

/** What an echo handler is told. */
export interface EchoContext {
  signal: AbortSignal
}

/** How an echo call is made. */
export interface EchoOptions {
  signal?: AbortSignal
  timeoutMs?: number
}

export type EchoHandlers = Handlers<EchoService, EchoContext>

/** An error that the echo service's edge tells with this code. */
export class Refusal extends Error {
  readonly code: grpc.status
  constructor(code: grpc.status, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A server with these handlers on a free port, and a client of it. `ends` lists how each call ended. */
export async function startEcho(handlers: Partial<EchoHandlers>) {
  const ends: unknown[] = []
  const server = new grpc.Server()
  const all = { one: missing, many: missing, gather: missing, talk: missing, ...handlers }
  server.addService(serviceDefinition(Echo), implement(Echo, all, serverEdge(ends)))
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
  return { calls: createCalls(Echo, client, callerEdge), client, ends, stop }
}

function missing(): never {
  throw new Refusal(grpc.status.UNIMPLEMENTED, "not in this test")
}

function serverEdge(ends: unknown[]): Edge<EchoContext> {
  return {
    open: (_method, _call, signal) => ({ signal: signal() }),
    close(_context, error) {
      ends.push(error ?? "answered")
      if (error === undefined) return {}
      if (error instanceof Refusal) return { code: error.code, details: error.message }
      return { code: grpc.status.INTERNAL, details: "unforeseen" }
    },
    unreadable: (method, cause) =>
      new Refusal(grpc.status.INVALID_ARGUMENT, `${method.name} cannot be read`, { cause }),
  }
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
  // Built at run time, so the compiler cannot know what the lines above say.
  return registry.getService("test.Echo") as unknown as EchoService
}
