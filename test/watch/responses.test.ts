import { decode, encode, WatchChainsResponseSchema } from "@trust-registry/proto"
import { expect } from "chai"
import { responses } from "../../server/dist/service/chains/watchResponses.js"

describe("watch responses", () => {
  const KIBIBYTE = 1024

  it("promise no event of a later one, however they are split", () => {
    const told = [3n, 5n, 8n].map((revision) => ({ revision, piece: piece(100 * KIBIBYTE) }))
    const sent = [...responses(told, 20n, true)].map((bytes) => decode(WatchChainsResponseSchema, bytes))
    expect(sent.map(({ events }) => events.length)).to.deep.equal([1, 1, 1])
    expect(sent.map(({ nextRevision }) => nextRevision)).to.deep.equal([4n, 6n, 20n])
    expect(sent.map(({ caughtUp }) => caughtUp)).to.deep.equal([false, false, true])
  })

  it("hold as many events as fit, and at least one", () => {
    const sizes = [1, 120, 20, 300, 1]
    const told = sizes.map((size, place) => ({ revision: BigInt(place), piece: piece(size * KIBIBYTE) }))
    const sent = [...responses(told, 9n, false)].map((bytes) => decode(WatchChainsResponseSchema, bytes))
    expect(sent.map(({ events }) => events.length)).to.deep.equal([2, 1, 1, 1])
    expect(sent.map(({ nextRevision }) => nextRevision)).to.deep.equal([2n, 3n, 4n, 9n])
  })

  it("are a single one without events if there are none", () => {
    const [only, ...others] = [...responses([], 7n, true)]
    expect(others).to.deep.equal([])
    const { events, nextRevision, caughtUp } = decode(WatchChainsResponseSchema, only as Buffer)
    expect({ events, nextRevision, caughtUp }).to.deep.equal({ events: [], nextRevision: 7n, caughtUp: true })
  })
})

/** A response with one event of about that many bytes. */
function piece(bytes: number): Buffer {
  const stored = { record: { updatedBy: "x".repeat(bytes) } }
  return encode(WatchChainsResponseSchema, { events: [{ kind: { case: "current", value: stored } }] })
}
