import { expect } from "chai"
import { FIRST_BATCH_ROWS, nextBatchRows } from "../../server/dist/store/chains/batchRows.js"
import { createBatches } from "../../server/dist/store/database/batches.js"

/** Batches of `key:size` items that are done when the test says so. */
function held(
  bounds: { maxItems?: number; maxBytes?: number; maxWaiting?: number; maxWaitingBytes?: number } = {},
) {
  const batches: string[][] = []
  const ends: (() => void)[] = []
  const submit = createBatches<string, string>({
    run: (items) =>
      new Promise((resolve) => {
        batches.push(items)
        ends.push(() => resolve(items))
      }),
    keyOf: (item) => item.split(":")[0] ?? "",
    sizeOf: (item) => Number(item.split(":")[1] ?? 1),
    atOnce: 1,
    maxItems: bounds.maxItems ?? 100,
    maxBytes: bounds.maxBytes ?? 100,
    maxWaiting: bounds.maxWaiting ?? 100,
    maxWaitingBytes: bounds.maxWaitingBytes ?? 1_000,
    full: () => new Error("full"),
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const endOne = async () => {
    ends.shift()?.()
    await turn()
    await turn()
  }
  return { batches, submit, turn, endOne }
}

describe("batches", () => {
  it("start at once, and the next fills while one runs", async () => {
    const { batches, submit, turn, endOne } = held()
    for (const item of ["a", "b"]) void submit(item)
    await turn()
    for (const item of ["c", "d", "e"]) void submit(item)
    await turn()
    expect(batches).to.deep.equal([["a", "b"]])
    await endOne()
    expect(batches).to.deep.equal([
      ["a", "b"],
      ["c", "d", "e"],
    ])
  })

  it("start the next before responses are sent, so that the database does not wait", async () => {
    const { batches, submit, turn, endOne } = held()
    const began: number[] = []
    void submit("a").then(() => began.push(batches.length))
    await turn()
    void submit("b")
    await endOne()
    expect(began).to.deep.equal([2])
  })

  it("keep the order of a key, even past an item that does not fit", async () => {
    const { batches, submit, turn, endOne } = held({ maxBytes: 10 })
    for (const item of ["a:6", "a:1", "b:6", "b:1", "c:3"]) void submit(item)
    await turn()
    await endOne()
    await endOne()
    expect(batches).to.deep.equal([["a:6", "c:3"], ["a:1", "b:6"], ["b:1"]])
  })

  it("refuse excess items, by count and by bytes, and accept more when there is room", async () => {
    for (const bounds of [{ maxWaiting: 2 }, { maxWaitingBytes: 2 }]) {
      const { submit, turn, endOne } = held(bounds)
      void submit("going")
      await turn()
      const waiting = [submit("a"), submit("b")]
      const failed = await submit("c").catch((error: Error) => error.message)
      expect(failed).to.equal("full")
      await endOne()
      await endOne()
      expect(await Promise.all(waiting)).to.deep.equal(["a", "b"])
      void submit("d")
    }
  })

  it("accept a single item larger than a batch", async () => {
    const { batches, submit, turn } = held({ maxBytes: 10 })
    void submit("large:50")
    await turn()
    expect(batches).to.deep.equal([["large:50"]])
  })
})

describe("the rows per write transaction", () => {
  it("halve after a slow one, but never below eight", () => {
    expect(nextBatchRows(FIRST_BATCH_ROWS, FIRST_BATCH_ROWS, 401)).to.equal(FIRST_BATCH_ROWS / 2)
    expect(nextBatchRows(1_000, 20, 401), "half of what was written, not of what may be").to.equal(10)
    expect(nextBatchRows(1_000, 9, 10_000)).to.equal(8)
    expect(nextBatchRows(8, 1, 10_000)).to.equal(8)
  })

  it("double after a full one that was not slow, up to 1,000", () => {
    expect(nextBatchRows(FIRST_BATCH_ROWS, FIRST_BATCH_ROWS, 400)).to.equal(2 * FIRST_BATCH_ROWS)
    expect(nextBatchRows(FIRST_BATCH_ROWS, FIRST_BATCH_ROWS - 1, 1), "one that was not full").to.equal(
      FIRST_BATCH_ROWS,
    )
    expect(nextBatchRows(600, 600, 1)).to.equal(1_000)
  })
})
