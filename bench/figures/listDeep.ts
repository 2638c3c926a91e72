import { join } from "node:path"
import { decode, ListChainsResponseSchema } from "@trust-registry/proto"
import type { Figure, Side } from "../figure.js"
import { bareCall } from "../load/bareCall.js"
import { writeBodies } from "../load/bodies.js"
import { drive } from "../load/job.js"
import { LIST_CHAINS, listChains } from "../load/registryCalls.js"
import { inTurn } from "../rounds.js"

const DEEP = 100_000
const PAGE = 100

/** A deep page, read by its token, against the first. */
export const listDeep: Figure = {
  name: "list-deep",
  title: `ListChains, a page of ${PAGE}`,
  ratios: [{ of: `${DEEP} chains deep`, to: "first page", most: 1.2 }],
  async run(lab) {
    const { address } = await lab.registry({ database: await lab.stocked(1_000_000) })
    const jump = await bareCall(address, LIST_CHAINS, listChains({ pageSize: PAGE, offset: DEEP }))
    const { nextPageToken } = decode(ListChainsResponseSchema, jump)
    const side = async (name: string, pageToken: string): Promise<Side> => {
      const request = listChains({ pageSize: PAGE, pageToken })
      const bodies = await writeBodies(join(lab.folder, `list${pageToken === "" ? "" : "-deep"}`), [request])
      const job = { address, path: LIST_CHAINS, bodies, connections: 1, inFlight: 1, ...lab.times }
      return { name, unit: "ms", measure: async () => (await drive(job)).latency.p50 }
    }
    return await inTurn(lab, [await side(`${DEEP} chains deep`, nextPageToken), await side("first page", "")])
  },
}
