import * as grpc from "@grpc/grpc-js"

/** Serves one unary method, bytes in and bytes out, on a free loopback port until SIGTERM; prints `ready ADDRESS`. */
export async function serveBare(path: string, handler: grpc.handleUnaryCall<Buffer, Buffer>): Promise<void> {
  const bytes = (value: Buffer) => value
  const method = {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  }
  const server = new grpc.Server({ "grpc.enable_channelz": 0, "grpc.max_concurrent_streams": 1_000 })
  server.addService({ call: method }, { call: handler })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  process.once("SIGTERM", () => {
    server.forceShutdown()
    process.exit(0)
  })
  process.stdout.write(`ready 127.0.0.1:${port}\n`)
}
