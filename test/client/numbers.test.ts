import {
  connect,
  generateKeyPair,
  InvalidRequestError,
  makerOf,
  memorySigner,
  type TrustRegistry,
} from "@trust-registry/client"
import { expect } from "chai"
import { startRegistry, type TestRegistry } from "../support/server.js"

/** What is no length of time, of every kind that a program may come by. */
const NO_TIMES: unknown[] = [
  0,
  -0,
  -1,
  -0.5,
  -(2 ** 31),
  Number.NaN,
  -Infinity,
  "5000",
  "",
  null,
  5000n,
  {},
  true,
]
/** Every length of time that is one, up to the ends of what holds them. */
const TIMES = [
  60_000.5,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  1e8 * 3_600_000,
  2 ** 53 - 1,
  2 ** 63,
  Number.MAX_VALUE,
  Infinity,
]

describe("numbers given to the SDK", () => {
  let server: TestRegistry
  let registry: TrustRegistry

  before(async () => {
    server = await startRegistry({ logLevel: "error" })
    registry = connect(server.address)
  })
  after(async () => {
    registry.close()
    await server.stop()
  })

  for (const name of ["timeoutMs", "keepaliveMs", "keepaliveTimeoutMs"]) {
    it(`${name} of a connection is a time above 0, of any length`, async () => {
      for (const ms of NO_TIMES)
        expect(() => connect(server.address, { [name]: ms }), String(ms)).to.throw(TypeError, `${name} is `)
      for (const ms of TIMES) {
        const other = connect(server.address, { [name]: ms })
        expect(await other.checkHealth(), String(ms)).to.equal("SERVING")
        await other.waitForReady()
        other.close()
      }
    })
  }

  it("timeoutMs of a call is a time above 0, of any length, for every kind of call", async () => {
    for (const ms of NO_TIMES) {
      const timeoutMs = ms as number
      const calls = {
        unary: registry.countChains({}, { timeoutMs }),
        list: drain(registry.listChains({}, { timeoutMs })),
        export: drain(registry.exportChains({}, { timeoutMs })),
        import: drain(registry.importChains([{}], { timeoutMs })),
        watch: drain(registry.watchChains({}, { timeoutMs })),
        ready: registry.waitForReady({ timeoutMs }),
      }
      for (const [kind, call] of Object.entries(calls)) {
        const error = await call.then(
          () => undefined,
          (error) => error,
        )
        expect(error, `${kind}, ${String(ms)}`).to.be.instanceOf(TypeError)
      }
    }
    for (const timeoutMs of TIMES) {
      expect((await registry.countChains({}, { timeoutMs })).count).to.equal(0n)
      expect(await drain(registry.exportChains({}, { timeoutMs })), String(timeoutMs)).to.equal(0)
      await registry.waitForReady({ timeoutMs })
    }
  })

  it("cache.maxEntries is a whole number of 1 or more", () => {
    for (const maxEntries of [0, -1, 0.5, Number.NaN, Infinity, 2 ** 53, 2 ** 63, "10" as unknown as number])
      expect(() => connect(server.address, { cache: { maxEntries } }), String(maxEntries)).to.throw(TypeError)
    for (const maxEntries of [1, 2 ** 31, 2 ** 53 - 1])
      connect(server.address, { cache: { maxEntries } }).close()
  })

  it("fields of 32 and 64 bits are whole numbers of their size, told by their names", async () => {
    for (const pageSize of [
      0.5,
      2 ** 31,
      -(2 ** 31) - 1,
      2 ** 53,
      Number.NaN,
      Infinity,
      "5" as unknown as number,
    ])
      await refused(registry.listChains({ pageSize }).page(), "page_size")
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n, 2 ** 53, Number.NaN, 0.5, "5"])
      await refused(
        registry.deleteChain({ agentId: "a", expectedRevision: value as bigint }),
        "expected_revision",
      )
    const moment = (seconds: unknown, nanos: unknown) => ({
      seconds: seconds as bigint,
      nanos: nanos as number,
    })
    await refused(
      registry.countChains({ filter: { expiresBefore: moment(0n, 0.5) } }),
      "filter.expires_before.nanos",
    )
    await refused(
      registry.countChains({ filter: { expiresBefore: moment(2n ** 63n, 0) } }),
      "filter.expires_before.seconds",
    )
  })

  it("a maker's moment is a date", () => {
    const signer = memorySigner(generateKeyPair().privateKey)
    expect(() => makerOf(signer, new Date(Number.NaN))).to.throw(TypeError, "at is no date")
  })
})

async function refused(call: Promise<unknown>, field: string) {
  const error = await call.then(
    () => undefined,
    (error) => error,
  )
  expect(error, field).to.be.instanceOf(InvalidRequestError)
  expect(error.message).to.match(new RegExp(`^${field.replaceAll(".", "\\.")} is `))
}

async function drain(items: AsyncIterable<unknown>) {
  let count = 0
  for await (const _ of items) count++
  return count
}
