import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Figure, Measured, Point } from "../figure.js"
import { median } from "../figure.js"
import type { Lab } from "../lab.js"
import { bareCall } from "../load/bareCall.js"
import { writeBodies } from "../load/bodies.js"
import { agentAt, usualChain } from "../load/chains.js"
import { drive, type Job, rateOf } from "../load/job.js"
import { GET_CHAIN, getChain, STORE_CHAIN, storeChain } from "../load/registryCalls.js"

/** Load levels, as fractions of the registry's peak throughput. */
const SHARES = [0.1, 0.25, 0.5, 0.7, 0.8, 0.9]
/** The load level reported in the table. */
const REPORTED = 0.5

/** The latency of reads from memory at fixed rates, measured from when each call was due. */
export const latency: Figure = {
  name: "latency",
  title: "GetChain, from memory, latency at half of peak throughput",
  ratios: [],
  async run(lab) {
    const { address } = await lab.registry({ database: await lab.database(), cpu: "server" })
    await bareCall(address, STORE_CHAIN, storeChain(await usualChain(agentAt(0))))
    const request = getChain(agentAt(0))
    const bodies = await writeBodies(join(lab.folder, "get"), [request])
    const file = join(lab.folder, "answer")
    await writeFile(file, await bareCall(address, GET_CHAIN, request))
    const bare = await lab.peer("bareServer", [GET_CHAIN, file], "server")
    const job = { address, path: GET_CHAIN, bodies, connections: 4, inFlight: 64, ...lab.times }
    await drive(job, "load")
    const most = rateOf(await drive(job, "load"))
    const found: Level[] = []
    const bares: Level[] = []
    for (const share of SHARES) {
      const rounds = share === REPORTED ? lab.rounds : 1
      for (let round = 0; round < rounds; round++) {
        found.push(await at(lab, job, most, share))
        if (share === REPORTED) bares.push(await at(lab, { ...job, address: bare.address }, most, share))
      }
    }
    const reported = found.filter(({ share }) => share === REPORTED)
    return {
      measured: [...sidesOf("", reported), ...sidesOf(" of a bare grpc-js server", bares)],
      curves: [
        {
          name: "latency",
          title: "GetChain from memory: latency under load",
          x: "calls per second",
          y: "milliseconds",
          logY: true,
          points: SHARES.flatMap((share) => pointsOf(found.filter((one) => one.share === share))),
        },
      ],
      notes: [
        `peak throughput: ${Math.round(most)} req/s with 64 calls in flight, from one load generator on its own core`,
      ],
    }
  },
}

interface Level {
  share: number
  rate: number
  p50: number
  p99: number
  p999: number
}

async function at(lab: Lab, job: Job, most: number, share: number): Promise<Level> {
  const rate = most * share
  const { latency } = await drive({ ...job, rate }, "load")
  lab.say(`  ${Math.round(rate)} req/s: p50 ${latency.p50.toFixed(3)} ms, p99 ${latency.p99.toFixed(3)} ms`)
  return { share, rate, ...latency }
}

function sidesOf(whose: string, rounds: readonly Level[]): Measured[] {
  const side = (name: string, of: (one: Level) => number): Measured => ({
    name: `${name}${whose}`,
    unit: "ms",
    values: rounds.map(of),
  })
  return [side("p50", ({ p50 }) => p50), side("p99", ({ p99 }) => p99), side("p99.9", ({ p999 }) => p999)]
}

function pointsOf(rounds: readonly Level[]): Point[] {
  const x = rounds[0]?.rate ?? 0
  const point = (series: string, of: (one: Level) => number) => ({ series, x, y: median(rounds.map(of)) })
  return [point("p50", ({ p50 }) => p50), point("p99", ({ p99 }) => p99), point("p99.9", ({ p999 }) => p999)]
}
