import { createServer } from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import type { Lab } from "../lab.js"
import { bareCall } from "../load/bareCall.js"

/** The RPC that reads keys of etcd. */
export const RANGE = "/etcdserverpb.KV/Range"
const PUT = "/etcdserverpb.KV/Put"

/** Starts etcd with one key; returns its address and a request that reads the key without a round of consensus. */
export async function startEtcd(lab: Lab, value: Uint8Array): Promise<{ address: string; range: Buffer }> {
  const [address, peer] = await Promise.all([freeAddress(), freeAddress()])
  lab.program(
    "etcd",
    [
      ...["--data-dir", `${lab.folder}/etcd`, "--logger", "zap", "--log-level", "error"],
      ...["--listen-client-urls", `http://${address}`, "--advertise-client-urls", `http://${address}`],
      ...["--listen-peer-urls", `http://${peer}`, "--initial-advertise-peer-urls", `http://${peer}`],
      ...["--initial-cluster", `default=http://${peer}`],
    ],
    "server",
  )
  const key = field(1, Buffer.from("agent"))
  const giveUpAt = performance.now() + START_MS
  for (;;) {
    try {
      await bareCall(address, PUT, Buffer.concat([key, field(2, value)]))
      // Field 7 of RangeRequest is `serializable`.
      return { address, range: Buffer.concat([key, Buffer.from([7 << 3, 1])]) }
    } catch (error) {
      if (performance.now() > giveUpAt) throw error
      await delay(50)
    }
  }
}

const START_MS = 20_000

async function freeAddress(): Promise<string> {
  const server = createServer()
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
  )
  await new Promise((resolve) => server.close(resolve))
  return `127.0.0.1:${port}`
}

/** A length-delimited field in protobuf's binary form. */
function field(number: number, value: Uint8Array): Buffer {
  const length: number[] = []
  let rest = value.length
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128)
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length, rest]), value])
}
