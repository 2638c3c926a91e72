import * as grpc from "@grpc/grpc-js"

/** Makes one unary call with bytes and returns the bytes of its answer; throws grpc-js's error for any status but OK. */
export async function bareCall(address: string, path: string, request: Uint8Array): Promise<Buffer> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure())
  const bytes = (value: Buffer) => value
  try {
    return await new Promise<Buffer>((resolve, reject) =>
      client.makeUnaryRequest(
        path,
        bytes,
        bytes,
        Buffer.from(request),
        { deadline: Date.now() + DEADLINE_MS },
        (error, answer) => (error ? reject(error) : resolve(answer as Buffer)),
      ),
    )
  } finally {
    client.close()
  }
}

const DEADLINE_MS = 10_000
