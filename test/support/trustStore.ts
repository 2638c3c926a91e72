import { setMaxListeners } from "node:events"
import { create, toBinary } from "@bufbuild/protobuf"
import { anyPack } from "@bufbuild/protobuf/wkt"
import * as grpc from "@grpc/grpc-js"
import { ErrorInfoSchema, StatusSchema, serviceDefinition, TrustStoreService } from "@trust-registry/proto"
import { createLog } from "../../server/log.js"
import type { RpcContext } from "../../server/rpc/context.js"
import type { Handlers } from "../../server/rpc/handlers.js"
import { createMiddleware } from "../../server/rpc/middleware.js"
import { PlainStatusError } from "../../server/rpc/status.js"

export type StoreHandlers = Handlers<typeof TrustStoreService, RpcContext>

/** A status that a handler throws for the caller to receive. */
export class Status extends PlainStatusError {
  constructor(code: grpc.status, details: string, metadata: Record<string, string> = {}) {
    super(code, details, grpc.Metadata.fromHttp2Headers(metadata))
  }
}

/** The same with a reason of the registry, which makes it an answer and no lost line. */
export class Refusal extends Status {
  constructor(code: grpc.status, reason: string, metadata: Record<string, string> = {}) {
    const info = anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: "trustregistry" }))
    const details = toBinary(StatusSchema, create(StatusSchema, { code, details: [info] }))
    super(code, "refused", {
      ...metadata,
      "grpc-status-details-bin": Buffer.from(details).toString("base64"),
    })
  }
}

/** Starts a TrustStoreService with only these handlers on a loopback port, for behaviour that is rare in a real registry. */
export async function startTrustStore(
  handlers: Partial<StoreHandlers>,
  credentials = grpc.ServerCredentials.createInsecure(),
  port = 0,
  host = "127.0.0.1",
) {
  const missing = () => {
    throw new Status(grpc.status.UNIMPLEMENTED, "not in this test")
  }
  const names = TrustStoreService.methods.map((method) => [method.localName, missing])
  const all = { ...Object.fromEntries(names), ...handlers } as StoreHandlers
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 })
  const draining = new AbortController().signal
  setMaxListeners(0, draining)
  const middleware = createMiddleware({
    log: createLog("silent"),
    callTimeoutMs: Number.POSITIVE_INFINITY,
    draining,
  })
  server.addService(
    serviceDefinition(TrustStoreService),
    middleware.service(TrustStoreService, all).implementation,
  )
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:${port}`, credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  return { address: `${host}:${bound}`, port: bound, server, stop: () => server.forceShutdown() }
}
