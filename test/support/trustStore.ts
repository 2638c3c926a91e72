import * as grpc from "@grpc/grpc-js"
import { type Handlers, implement, serviceDefinition, TrustStoreService } from "@trust-registry/proto"

export type StoreHandlers = Handlers<typeof TrustStoreService, { signal: AbortSignal }>

/** Thrown by a handler, told as it is. */
export class Status extends Error {
  readonly status: Partial<grpc.StatusObject>
  constructor(code: grpc.status, details: string, metadata: Record<string, string> = {}) {
    super(details)
    this.status = { code, details, metadata: grpc.Metadata.fromHttp2Headers(metadata) }
  }
}

/** A TrustStoreService of these handlers alone on a free port of loopback, for what a real registry does rarely. */
export async function startTrustStore(
  handlers: Partial<StoreHandlers>,
  credentials = grpc.ServerCredentials.createInsecure(),
  port = 0,
) {
  const missing = () => {
    throw new Status(grpc.status.UNIMPLEMENTED, "not in this test")
  }
  const names = TrustStoreService.methods.map((method) => [method.localName, missing])
  const all = { ...Object.fromEntries(names), ...handlers } as StoreHandlers
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 })
  server.addService(
    serviceDefinition(TrustStoreService),
    implement(TrustStoreService, all, {
      open: (_method, _call, signal) => ({ signal: signal() }),
      close: (_context, error) =>
        error instanceof Status ? error.status : { code: grpc.status.INTERNAL, details: String(error) },
      unreadable: (_method, cause) => new Status(grpc.status.INVALID_ARGUMENT, String(cause)),
    }),
  )
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  return { address: `127.0.0.1:${bound}`, port: bound, server, stop: () => server.forceShutdown() }
}
