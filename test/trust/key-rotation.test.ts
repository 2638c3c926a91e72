import { create } from "@bufbuild/protobuf"
import { rotatedKeys, rotationOf } from "@trust-registry/eatp"
import { AuthoritySchema, RotateAuthorityKeyRequestSchema } from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"

/** A moment or window end of a small scale, so that they often meet. */
const second = fc.integer({ min: 0, max: 20 })
const moment = (seconds: number) => ({ seconds: BigInt(seconds), nanos: 0 })
const window = fc.record({ from: fc.option(second), length: fc.option(second) }).map(({ from, length }) => ({
  ...(from === null ? {} : { notBefore: moment(from) }),
  ...(length === null ? {} : { notAfter: moment((from ?? 0) + length) }),
}))

type Window = {
  notBefore?: { seconds: bigint } | undefined
  notAfter?: { seconds: bigint } | undefined
}

function covers({ notBefore, notAfter }: Window, at: number) {
  return (!notBefore || notBefore.seconds <= BigInt(at)) && (!notAfter || notAfter.seconds >= BigInt(at))
}

describe("key rotation", () => {
  it("keeps what older keys covered until their end, covers nothing new with them, and leaves the new key open-ended", () => {
    fc.assert(
      fc.property(fc.array(window, { maxLength: 5 }), second, second, (keys, at, overlap) => {
        const authority = create(AuthoritySchema, { keys })
        const rotation = rotationOf(
          create(RotateAuthorityKeyRequestSchema, {
            effectiveAt: moment(at),
            overlap: { seconds: BigInt(overlap) },
          }),
          moment(0),
        )
        if ("field" in rotation) throw new Error(rotation.description)
        const after = rotatedKeys(authority, { keyId: "new", publicKey: "" }, rotation)
        expect(after).to.have.lengthOf(keys.length + 1)
        for (let date = 0; date <= 60; date++) {
          authority.keys.forEach((key, i) => {
            const begins = Number(key.notBefore?.seconds ?? 0n)
            const isLater = begins > at + overlap
            const expected = covers(key, date) && (isLater || date <= at + overlap)
            expect(covers(after[i] as Window, date), `key ${i} at ${date}`).to.equal(expected)
          })
          expect(covers(after.at(-1) as Window, date)).to.equal(date >= at)
        }
      }),
    )
  })
})
