import { create } from "@bufbuild/protobuf"
import {
  canonicalJson,
  decodeExactly,
  generateKeyPair,
  genesisPayload,
  type Json,
  JsonNumber,
  JsonObject,
  jsonText,
  memorySigner,
  parseJson,
  type Signer,
  signText,
  verifyText,
} from "@trust-registry/eatp"
import { AuthorityType, GenesisRecordSchema } from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"

describe("signing", () => {
  const pair = generateKeyPair()
  const signer = memorySigner(pair.privateKey)

  it("verifies a signature by its own public key, and by no other", async () => {
    expect(signer.publicKey).to.equal(pair.publicKey)
    const signature = await signText(signer, "text")
    expect(verifyText("text", signature, pair.publicKey)).to.equal(true)
    expect(verifyText("texT", signature, pair.publicKey)).to.equal(false)
    expect(verifyText("text", signature, generateKeyPair().publicKey)).to.equal(false)
  })

  it("accepts any signer that returns 64 bytes, and refuses others", async () => {
    const remote: Signer = { sign: async (bytes) => new Uint8Array(await signer.sign(bytes)) }
    expect(verifyText("text", await signText(remote, "text"), pair.publicKey)).to.equal(true)
    const broken: Signer = { sign: async () => new Uint8Array(63) }
    let error: unknown
    await signText(broken, "text").catch((caught) => {
      error = caught
    })
    expect(error).to.be.instanceOf(TypeError)
    expect(() => memorySigner("short")).to.throw(TypeError)
  })

  it("agrees with RFC 8032, section 7.1, test 2", async () => {
    const hex = (text: string) => Buffer.from(text, "hex").toString("base64")
    const rfc = memorySigner(hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    expect(rfc.publicKey).to.equal(hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
    const signature = await signText(rfc, "r")
    expect(signature).to.equal(
      hex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
      ),
    )
  })

  // R the point itself, S zero: OpenSSL verifies the first of these with every message.
  const smallPoints = {
    identity: "0100000000000000000000000000000000000000000000000000000000000000",
    "identity with the sign of x": "0100000000000000000000000000000000000000000000000000000000000080",
    "order 2": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "order 4": "0000000000000000000000000000000000000000000000000000000000000000",
    "order 4, other sign": "0000000000000000000000000000000000000000000000000000000000000080",
    "order 8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "order 8, other y": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "identity, not canonical": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "order 4, not canonical": "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  }
  for (const [name, hex] of Object.entries(smallPoints)) {
    it(`refuses a key and an R of small order: ${name}`, async () => {
      const point = Buffer.from(hex, "hex")
      const forged = Buffer.concat([point, Buffer.alloc(32)]).toString("base64")
      expect(verifyText("anything", forged, point.toString("base64"))).to.equal(false)
      expect(verifyText("anything", forged, pair.publicKey)).to.equal(false)
      const honest = await signText(signer, "anything")
      expect(verifyText("anything", honest, point.toString("base64"))).to.equal(false)
    })
  }

  it("refuses an S that is not below the group order", async () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const bytes = Buffer.from(await signText(signer, "text"), "base64")
    const s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString("hex")}`)
    const larger = Buffer.from((s + order).toString(16).padStart(64, "0"), "hex").reverse()
    const malleable = Buffer.concat([bytes.subarray(0, 32), larger]).toString("base64")
    expect(verifyText("text", malleable, pair.publicKey)).to.equal(false)
  })

  it("accepts only the canonical base64 of a signature (property)", async () => {
    const signature = await signText(signer, "text")
    expect(decodeExactly(64, signature)?.length).to.equal(64)
    const others = [
      signature.replace(/=+$/, ""),
      `${signature}\n`,
      ` ${signature}`,
      `${signature.slice(0, 40)}\n${signature.slice(40)}`,
      `${signature.slice(0, 85)}${String.fromCharCode((signature.codePointAt(85) ?? 0) + 1)}==`,
      Buffer.from(signature, "base64").toString("hex"),
    ]
    for (const other of others) expect(verifyText("text", other, pair.publicKey), other).to.equal(false)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 87 }), fc.string({ minLength: 1, maxLength: 1 }), (at, unit) => {
        const other = signature.slice(0, at) + unit + signature.slice(at + 1)
        fc.pre(other !== signature)
        expect(verifyText("text", other, pair.publicKey)).to.equal(false)
      }),
    )
  })
})

describe("canonical bytes", () => {
  const leaf: fc.Arbitrary<Json> = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }).map((value) => new JsonNumber(String(value))),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => new JsonNumber(decimal(value))),
    fc
      .constantFrom("-0", "-0.0", "0.0", "1.0", "1", "1e16", "1E-7", "1.50")
      .map((text) => new JsonNumber(text)),
  )
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie("value"), { maxLength: 4 }),
      fc
        .dictionary(fc.string({ unit: "binary" }), tie("value"), { maxKeys: 5 })
        .map((o) => new JsonObject(Object.entries(o))),
    ),
  }))

  it("do not depend on key order, and survive a reread (property)", () => {
    fc.assert(
      fc.property(value, (json) => {
        const text = canonicalJson(json)
        expect(text).to.match(/^[\x20-\x7e]*$/)
        expect(canonicalJson(turned(json))).to.equal(text)
        expect(canonicalJson(parseJson(text))).to.equal(text)
        expect(canonicalJson(parseJson(jsonText(json)))).to.equal(text)
      }),
      { numRuns: 500 },
    )
  })

  it("distinguish values that JSON.parse does not (property)", () => {
    const payload = (text: string) =>
      genesisPayload(
        create(GenesisRecordSchema, {
          authorityType: AuthorityType.HUMAN,
          createdAt: "2026-01-01T00:00:00",
          metadataJson: `{"n":${text}}`,
        }),
      )
    const texts = [
      "1",
      "1.0",
      "-0.0",
      "0.0",
      "0",
      "9007199254740993",
      "9007199254740992",
      "1e16",
      "10000000000000000",
    ]
    expect(new Set(texts.map(payload)).size).to.equal(texts.length)
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 300n }), (big) => {
        expect(payload(String(big))).to.not.equal(payload(String(big + 1n)))
      }),
    )
  })
})

function turned(json: Json): Json {
  if (Array.isArray(json)) return json.map(turned)
  if (!(json instanceof JsonObject)) return json
  return new JsonObject([...json].reverse().map(([key, item]) => [key, turned(item)]))
}

function decimal(value: number): string {
  return Object.is(value, -0) ? "-0.0" : String(value)
}
