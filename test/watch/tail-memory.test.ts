import { expect } from "chai"
import type { HistoryEvent } from "../../server/dist/store/history/event.js"
import { memory } from "../../server/dist/store/history/tailMemory.js"

const MEBIBYTE = 1024 * 1024

describe("the newest changes in memory", () => {
  it("can be read from any revision, with gaps between revisions", () => {
    const held = memory(5n)
    expect(held.from(5n)).to.equal(undefined)
    held.add([event(5n), event(8n)], 10n, false)
    expect(revisionsFrom(5n)).to.deep.equal({ revisions: [5n, 8n], next: 10n })
    expect(revisionsFrom(6n)).to.deep.equal({ revisions: [8n], next: 10n })
    expect(revisionsFrom(8n)).to.deep.equal({ revisions: [8n], next: 10n })
    expect(revisionsFrom(9n)).to.deep.equal({ revisions: [], next: 10n })
    expect(held.from(10n)).to.equal(undefined)

    function revisionsFrom(revision: bigint) {
      const found = held.from(revision)
      return found && { revisions: found.events.map((one) => one.revision), next: found.next }
    }
  })

  it("come in batches of limited size, each with the revision to continue from", () => {
    const held = memory(1n)
    held.add([event(1n, 200_000), event(3n, 200_000), event(5n, MEBIBYTE)], 9n, false)
    const seen: bigint[] = []
    const nexts: bigint[] = []
    for (let next = 1n; next < 9n; ) {
      const batch = held.from(next)
      if (!batch) throw new Error("nothing is held")
      seen.push(...batch.events.map(({ revision }) => revision))
      next = batch.next
      nexts.push(next)
    }
    expect(seen).to.deep.equal([1n, 3n, 5n])
    // No batch but the last may promise what is between its last event and the end.
    expect(nexts).to.deep.equal([2n, 4n, 9n])
  })

  it("are evicted from the oldest on, and begin right after the evicted ones", () => {
    const held = memory(1n)
    for (let revision = 1n; revision <= 20n; revision++)
      held.add([event(revision, MEBIBYTE)], revision + 1n, false)
    const start = held.startFor(false)
    expect(start > 4n && start <= 6n, `starts at ${start}`).to.equal(true)
    expect(held.from(start)?.events[0]?.revision).to.equal(start)
    expect(held.next).to.equal(21n)
  })

  it("have what filters need only from where they were read without a gap", () => {
    const held = memory(1n)
    held.add([event(1n)], 2n, false)
    expect(held.startFor(true) > held.next, "none at all").to.equal(true)
    held.add([event(2n)], 3n, true)
    held.add([event(3n)], 4n, true)
    expect(held.startFor(true)).to.equal(2n)
    expect(held.startFor(false)).to.equal(1n)
    held.add([event(4n)], 5n, false)
    expect(held.startFor(true) > held.next, "a gap").to.equal(true)
  })
})

function event(revision: bigint, bytes = 0): HistoryEvent {
  return { revision, full: Buffer.alloc(bytes) } as unknown as HistoryEvent
}
