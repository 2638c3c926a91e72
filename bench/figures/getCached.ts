import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Figure, Side } from "../figure.js"
import { bareCall } from "../load/bareCall.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, usualChain } from "../load/chains.js"
import { h2load } from "../load/h2load.js"
import { GET_CHAIN, getChain, STORE_CHAIN, storeChain } from "../load/registryCalls.js"
import { RANGE, startEtcd } from "../peers/etcd.js"
import { inTurn, onFirst } from "../rounds.js"

/** Reads from memory against a bare transport, and against etcd. */
export const getCached: Figure = {
  name: "get-cached",
  title: "GetChain, from memory",
  ratios: [
    { of: "GetChain", to: "bare grpc-js server", least: 0.95 },
    { of: "GetChain", to: "etcd Range, serializable", least: 1.2 },
  ],
  async run(lab) {
    const { address } = await lab.registry({ database: await lab.database(), cpu: "server" })
    await bareCall(address, STORE_CHAIN, storeChain(await usualChain(agentAt(0))))
    const request = getChain(agentAt(0))
    const answer = await bareCall(address, GET_CHAIN, request)
    const file = join(lab.folder, "answer")
    await writeFile(file, answer)
    const bare = await lab.peer("bareServer", [GET_CHAIN, file], "server")
    const body = await writeBodies(join(lab.folder, "get"), [request])
    const load = (name: string, address: string, path: string, body: string): Side => ({
      name,
      unit: "req/s",
      needs: ["h2load"],
      measure: () => h2load({ address, path, body, connections: 4, streams: 16, ...lab.times }),
    })
    const etcd: Side = {
      name: "etcd Range, serializable",
      unit: "req/s",
      needs: ["h2load", "etcd"],
      measure: onFirst(async () => {
        const { address, range } = await startEtcd(lab, answer)
        return load("", address, RANGE, await writeBodies(join(lab.folder, "range"), [range])).measure
      }),
    }
    const findings = await inTurn(lab, [
      load("GetChain", address, GET_CHAIN, body),
      load("bare grpc-js server", bare.address, GET_CHAIN, body),
      etcd,
    ])
    return { ...findings, notes: [`${answer.length} bytes per answer`] }
  },
}
