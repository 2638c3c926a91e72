import type { Figure, Side } from "../figure.js"
import { bareCall } from "../load/bareCall.js"
import { agentAt, usualChain } from "../load/chains.js"
import { loop } from "../load/loop.js"
import { STORE_CHAIN, storeChain } from "../load/registryCalls.js"
import { inTurn } from "../rounds.js"

/** Reads that the SDK answers from its cache, against reads over loopback. */
export const nearCache: Figure = {
  name: "near-cache",
  title: "getChain of the SDK, sequential",
  ratios: [{ of: "from its cache", to: "over loopback", least: 200 }],
  async run(lab) {
    const { address } = await lab.registry({ database: await lab.database(), cpu: "server" })
    await bareCall(address, STORE_CHAIN, storeChain(await usualChain(agentAt(0))))
    const side = (name: string, where: string): Side => ({
      name,
      unit: "req/s",
      measure: () =>
        loop("load/nearReads.ts", [address, agentAt(0), String(lab.times.seconds), where], "load"),
    })
    return await inTurn(lab, [side("from its cache", "near"), side("over loopback", "far")])
  },
}
