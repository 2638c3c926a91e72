import { expect } from "chai"
import { ByteAccount, type SubAccount } from "../../server/async/byteAccount.js"

describe("the queue for room", () => {
  it("gives a place to a connection that has none, in place of the newest of the one that waits most", async () => {
    const refusal = () => new Error("refused")
    const account = new ByteAccount({
      limit: 100,
      waitMs: 60_000,
      maxWaiting: 8,
      maxWaitingOfOne: 4,
      refusal,
    })
    const connection = (): SubAccount => ({ limit: 100, held: 0, waiting: 0 })
    expect(account.take(100, "call")).to.equal(undefined)
    const outcomes: string[] = []
    const wait = (name: string, of: SubAccount) =>
      account.take(10, "call", of)?.then(
        () => outcomes.push(`${name} in`),
        () => outcomes.push(`${name} refused`),
      )
    const [one, two, newcomer] = [connection(), connection(), connection()]
    const waiting = [1, 2, 3, 4].flatMap((place) => [wait(`one ${place}`, one), wait(`two ${place}`, two)])
    const late = wait("newcomer", newcomer)
    await Promise.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    expect(outcomes).to.deep.equal(["two 4 refused"])
    expect([one.waiting, two.waiting, newcomer.waiting]).to.deep.equal([4, 3, 1])
    account.give(100)
    await Promise.all([...waiting, late])
    expect(outcomes).to.include.members(["newcomer in", "one 4 in", "two 3 in"])
    expect(account.refused).to.equal(1)
  })

  it("refuses a connection that has as many places as any other", async () => {
    const account = new ByteAccount({
      limit: 10,
      waitMs: 60_000,
      maxWaiting: 2,
      maxWaitingOfOne: 2,
      refusal: () => new Error("refused"),
    })
    const [one, two] = [1, 2].map((): SubAccount => ({ limit: 10, held: 0, waiting: 0 }))
    account.add(10)
    const waiting = [account.take(1, "call", one), account.take(1, "call", two)]
    const refused = await account.take(1, "call", two)?.catch((error: Error) => error.message)
    expect(refused).to.equal("refused")
    account.give(10)
    await Promise.all(waiting)
  })
})
