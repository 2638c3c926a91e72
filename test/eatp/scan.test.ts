import { JsonNumber, JsonObject, JsonSyntaxError, jsonProblem, parseJson } from "@trust-registry/eatp"
import { expect } from "chai"
import fc from "fast-check"
import { scanJson } from "../../eatp/dist/json/scanJson.js"
import { held, heldMs } from "../support/held.js"

const nothing = { escaped: () => undefined, number: () => undefined }
const problemOf = (work: () => unknown) => {
  try {
    work()
    return undefined
  } catch (error) {
    return error instanceof JsonSyntaxError ? `${error.reason}: ${error.message}` : error
  }
}
const texts = fc
  .array(
    fc.constantFrom(
      ...["{", "}", "[", "]", ":", ",", '"a"', '"b"', '"\\u0061"', '"\\n"', '"\\x"', '"\\u00"', '"', "\\"],
      ...["1", "0", "-", ".5", "e9", "E+1", "-0", "true", "false", "null", "nul", " ", "\n", "x", "é"],
      ...["[]", "{}", '{"a":', ",[", "],"],
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""))

/** A mebibyte of one thing over and over. */
const full = (unit: string) => `{"x":[${Array(Math.floor(1_048_000 / (unit.length + 1))).fill(unit)}]}`

describe("eatp: the scan of JSON", () => {
  it("takes and refuses what parsing does, with the same words (property)", () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 4 }), (text, maxDepth) => {
        const parsed = problemOf(() => parseJson(text, { maxDepth }))
        expect(
          problemOf(() => scanJson(text, maxDepth, nothing)),
          text,
        ).to.equal(parsed)
      }),
      { numRuns: 30_000 },
    )
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(scanJson(text, 100, nothing).values).to.be.greaterThan(0)
      }),
    )
  })

  it("counts values, and the items of a list", () => {
    const { root, values, items, objects } = scanJson(' [ {"a":[1,2]}, {} ,"x"] ', 9, nothing)
    expect([root, values, items, objects]).to.deep.equal(["array", 7, 3, 2])
  })

  it("finds what EATP cannot sign", () => {
    const problem = (text: string, name = "value_json") => jsonProblem(text, name, 64)
    expect(problem('["\\u0000"]')).to.equal("holds U+0000")
    expect(problem('{"\\ud800":1}')).to.equal("holds a lone surrogate")
    expect(problem('["\\ud83d\\ude00"]')).to.equal(undefined)
    expect(problem("[1e999]")).to.match(/beyond the range of a double/)
    expect(problem(`[${"9".repeat(4_301)}]`)).to.match(/more than 4300 digits/)
    expect(problem(`[${"9".repeat(4_300)}, 1.5e-400]`)).to.equal(undefined)
    expect(problem(" 0.5 ", "confidence_json")).to.equal(undefined)
    expect(problem("1.5", "confidence_json")).to.match(/from 0 to 1/)
    expect(problem("[{},1]", "evidence_json")).to.equal("must be a JSON array of objects")
    expect(problem("[]", "metadata_json")).to.equal("must be a JSON object or null")
  })

  it("takes milliseconds for a mebibyte of anything", async () => {
    for (const unit of [
      "{}",
      "[]",
      "1",
      '""',
      "1.5e-9",
      '"\\n"',
      `${"[".repeat(60)}${"]".repeat(60)}`,
      '{"a":1}',
    ]) {
      const { result, longest } = await held(async () => jsonProblem(full(unit), "metadata_json", 64))
      expect(result).to.equal(undefined)
      // At once; what callers send is scanned in steps.
      expect(longest, unit).to.be.lessThan(4 * heldMs())
    }
  })

  it("parses numbers as before", () => {
    expect(parseJson("-0.50e+1")).to.deep.equal(new JsonNumber("-0.50e+1"))
    expect(parseJson('{"a":1E2}')).to.be.instanceOf(JsonObject)
    for (const text of ["01", "1.", "1e", "-", "+1", ".5", "1e+"])
      expect(
        problemOf(() => parseJson(text)),
        text,
      ).to.be.a("string")
  })
})
