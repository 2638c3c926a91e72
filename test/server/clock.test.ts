import { connect, RevocationMode, type TrustRegistry } from "@trust-registry/client"
import { expect } from "chai"
import { embeddedFolder, spawnServer } from "../support/process.js"
import { sampleChain } from "../support/sample.js"
import { until } from "../support/until.js"

const CLOCK = new URL("../support/clock.mjs", import.meta.url).href

/** A server in a process whose wall clock is off by the first of these steps, and steps by the next at each SIGUSR2. */
async function startStepped(steps: number[]) {
  const folder = await embeddedFolder()
  const server = spawnServer(["serve", "--listen=127.0.0.1:0", `--data-dir=${folder.dataDir}`], {
    NODE_OPTIONS: `--import=${CLOCK}`,
    CLOCK_STEPS_MS: steps.join(),
  })
  const registry = connect(await server.address())
  let taken = 0
  return {
    server,
    registry,
    async step() {
      server.signal("SIGUSR2")
      taken++
      const told = () => server.log.filter(({ msg }) => msg === "the clock was stepped").length
      await until("the clock is stepped", () => told() === taken, 60_000)
    },
    async stop() {
      registry.close()
      server.signal("SIGTERM")
      await server.ended
      await folder.end()
    },
  }
}

describe("the clocks", function () {
  this.timeout(300_000)

  it("of a server that step by 40 s end no read, write or verdict", async () => {
    const { registry, step, stop } = await startStepped([0, 40_000, -80_000])
    try {
      await serveAll(registry)
      for (const _ of ["40 s ahead", "40 s behind"]) {
        await step()
        for (let round = 0; round < 5; round++) await serveAll(registry)
      }
    } finally {
      await stop()
    }
  })

  it("of a server two hours behind judge no expiry and no graceful revocation, and the skew is told", async () => {
    const { registry, server, stop } = await startStepped([-2 * 3_600_000])
    try {
      const soon = { seconds: BigInt(Math.floor(Date.now() / 1000) + 5), nanos: 0 }
      await registry.storeChain({ chain: sampleChain("expiring"), expiresAt: soon })
      await registry.storeChain({ chain: sampleChain("retiring") })
      await registry.revokeAgent({ agentId: "retiring", mode: RevocationMode.GRACEFUL, effectiveAt: soon })
      for (const agentId of ["expiring", "retiring"])
        await until(
          `${agentId} is over`,
          () =>
            registry.getChain({ agentId }).then(
              () => false,
              ({ reason }) => /^TRUST_CHAIN_(NOT_FOUND|EXPIRED)$/.test(reason),
            ),
          60_000,
        )
      const { clockSkew } = await registry.getServerInfo({})
      expect(Number(clockSkew?.seconds)).to.be.within(7_190, 7_210)
      await server.line(({ msg }) => /clock of this machine is 7\d{3}\.\d s behind the database's/.test(msg))
    } finally {
      await stop()
    }
  })
})

async function serveAll(registry: TrustRegistry) {
  const strong = { requirement: { case: "strong", value: true } } as const
  await registry.storeChain({ chain: sampleChain("a") })
  await registry.getChain({ agentId: "a", consistency: strong })
  await registry.countChains({})
  await registry.listChains({ consistency: strong }).page()
  await registry.verifyTrust({ agentId: "a", action: "read", consistency: strong })
  await registry.checkAuthority({ agentId: "a", action: "read", consistency: strong })
}
