import { create } from "@bufbuild/protobuf"
import { effectiveExpiry, expiredPart, parseTime } from "@trust-registry/eatp"
import { type TrustLineageChain, TrustLineageChainSchema } from "@trust-registry/proto"
import { expect } from "chai"

describe("eatp: the effective expiry", () => {
  const [early, middle, late] = [
    "2030-01-01T00:00:00Z",
    "2031-01-01T00:00:00Z",
    "2032-01-01T00:00:00Z",
  ] as const
  const chainWith = (genesisEnd: string | undefined, ...ends: (string | undefined)[]): TrustLineageChain =>
    create(TrustLineageChainSchema, {
      genesis: genesisEnd === undefined ? {} : { expiresAt: genesisEnd },
      capabilities: ends.map((expiresAt) => (expiresAt === undefined ? {} : { expiresAt })),
    })

  const cases: [
    what: string,
    chain: TrustLineageChain,
    request: string | undefined,
    expected: string | undefined,
  ][] = [
    ["nothing expires", chainWith(undefined), undefined, undefined],
    ["only the request's", chainWith(undefined), early, early],
    ["only the genesis record's", chainWith(middle), undefined, middle],
    ["the earlier of both", chainWith(late), middle, middle],
    ["the last capability's, where all expire", chainWith(undefined, early, middle), undefined, middle],
    ["one capability lasts", chainWith(undefined, early, undefined), undefined, undefined],
    ["the earliest of three", chainWith(late, early, middle), late, middle],
    ["offsets count", chainWith("2031-01-01T00:00:00+01:00"), middle, "2031-01-01T00:00:00+01:00"],
    ["naive times do not count", chainWith("2020-01-01T00:00:00", "2020-01-01"), late, late],
  ]
  for (const [what, chain, request, expected] of cases) {
    it(`is right: ${what}`, () => {
      const found = effectiveExpiry(chain, request === undefined ? undefined : micros(request))
      expect(found).to.equal(expected === undefined ? undefined : micros(expected))
    })
  }

  it("tells which part has expired", () => {
    expect(expiredPart(chainWith(early, late), micros(middle))).to.equal("genesis")
    expect(expiredPart(chainWith(late, early), micros(middle))).to.equal("capabilities")
    expect(expiredPart(chainWith(late, early, undefined), micros(middle))).to.equal(undefined)
  })
})

function micros(text: string): bigint {
  return parseTime(text)?.utcMicros as bigint
}
