import {
  compactJson,
  DEFAULT_JSON_DEPTH,
  type Json,
  JsonNumber,
  JsonObject,
  JsonSyntaxError,
  jsonText,
  parseJson,
} from "@trust-registry/eatp"
import { expect } from "chai"
import fc from "fast-check"

describe("eatp: lossless JSON", () => {
  it("keeps numbers as written", () => {
    const text = "[1,1.0,1.50,-0,-0.0,1e+16,1E5,123456789012345678901234567890]"
    expect(jsonText(parseJson(text))).to.equal(text)
    const [first, second] = parseJson("[1,1.0]") as JsonNumber[]
    expect([first?.isInteger, second?.isInteger]).to.deep.equal([true, false])
  })

  it("keeps the order of keys, even of those that look like integers", () => {
    const text = '{"b":1,"10":2,"2":3,"":4,"a":5}'
    expect(jsonText(parseJson(text))).to.equal(text)
  })

  it("treats __proto__ like any other key", () => {
    const object = parseJson('{"__proto__":{"polluted":true},"constructor":1}') as JsonObject
    expect([...object.keys()]).to.deep.equal(["__proto__", "constructor"])
    expect(({} as { polluted?: boolean }).polluted).to.equal(undefined)
    expect((object as unknown as { polluted?: boolean }).polluted).to.equal(undefined)
  })

  it("returns the source text of a member, until the object is changed", () => {
    const object = parseJson('{ "a" : { "x" : 1.0 } , "b":\t[ ] , "c":null}') as JsonObject
    expect(object.textOf("a")).to.equal('{ "x" : 1.0 }')
    expect(object.textOf("b")).to.equal("[ ]")
    expect(object.textOf("c")).to.equal("null")
    expect(object.textOf("d")).to.equal(undefined)
    object.delete("a")
    expect(object.textOf("b")).to.equal(undefined)
    expect(new JsonObject([["a", null]]).textOf("a")).to.equal(undefined)
  })

  it("keeps escaped lone surrogates for the caller to handle", () => {
    expect(parseJson('"\\ud800"')).to.equal("\ud800")
    expect(parseJson('"\\ud834\\udd1e"')).to.equal("𝄞")
  })

  const refused: [text: string, reason: string, line: number, column: number][] = [
    ["", "syntax", 1, 1],
    [" ", "syntax", 1, 2],
    ["NaN", "syntax", 1, 1],
    ["-Infinity", "syntax", 1, 1],
    ["[1,]", "syntax", 1, 4],
    ['{"a":1,}', "syntax", 1, 8],
    ["[1 2]", "syntax", 1, 4],
    ["01", "syntax", 1, 2],
    ["1.", "syntax", 1, 2],
    [".5", "syntax", 1, 1],
    ["+1", "syntax", 1, 1],
    ["1e", "syntax", 1, 2],
    ["tru", "syntax", 1, 1],
    ["truex", "syntax", 1, 5],
    ["nullnull", "syntax", 1, 5],
    ['"a', "syntax", 1, 3],
    ['"a\\"', "syntax", 1, 5],
    ['"\\x41"', "syntax", 1, 1],
    ['"\\u12"', "syntax", 1, 1],
    ['"a\tb"', "syntax", 1, 3],
    ['"\u0000"', "syntax", 1, 2],
    ["{a:1}", "syntax", 1, 2],
    ['{"a" 1}', "syntax", 1, 6],
    ['{"a":}', "syntax", 1, 6],
    ["[1}", "syntax", 1, 3],
    ["[", "syntax", 1, 2],
    ["]", "syntax", 1, 1],
    ["1 // one", "syntax", 1, 3],
    ["\ufeff1", "syntax", 1, 1],
    ["\u00a01", "syntax", 1, 1],
    ['{"a":1,\n "a":1}', "repeated_key", 2, 2],
    ['{"a":1,"\\u0061":2}', "repeated_key", 1, 8],
    ['{"__proto__":1,"__proto__":2}', "repeated_key", 1, 16],
  ]
  for (const [text, reason, line, column] of refused) {
    it(`refuses ${JSON.stringify(text)} with the position`, () => {
      const error = failure(() => parseJson(text))
      expect({ reason: error.reason, line: error.line, column: error.column }).to.deep.equal({
        reason,
        line,
        column,
      })
      expect(error.message).to.contain(`at line ${line} column ${column}`)
    })
  }

  it("counts depth from the outermost array or object", () => {
    expect(parseJson("1", { maxDepth: 0 })).to.be.instanceOf(JsonNumber)
    expect(parseJson("[[]]", { maxDepth: 2 })).to.deep.equal([[]])
    for (const text of ["[[]]", '{"a":{}}', "[[1]]"]) {
      expect(failure(() => parseJson(text, { maxDepth: 1 })).reason).to.equal("depth")
    }
    const deep = "[".repeat(DEFAULT_JSON_DEPTH + 1)
    expect(failure(() => parseJson(deep)).reason).to.equal("depth")
  })

  it("does not overflow the stack, at any depth that the caller allows", () => {
    const deep = `${"[".repeat(300_000)}${"]".repeat(300_000)}`
    expect(jsonText(parseJson(deep, { maxDepth: 300_000 }))).to.equal(deep)
  })

  it("reads back what it wrote, for any value (property)", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const text = jsonText(value)
        expect(jsonText(parseJson(text))).to.equal(text)
        expect(parseJson(text)).to.deep.equal(value)
      }),
    )
  })

  it("agrees with JSON.parse on what is JSON, except for repeated keys", () => {
    const pieces = fc.constantFrom(
      ...'[]{}:,"\\ \n0123.eE-+tfnu',
      "true",
      "null",
      '"a"',
      '"b":',
      "[1",
      "\\u00e9",
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join("")
        const ours = attempt(() => parseJson(text))
        if (ours instanceof JsonSyntaxError && ours.reason === "repeated_key") return
        expect(ours instanceof JsonSyntaxError).to.equal(
          attempt(() => JSON.parse(text)) instanceof SyntaxError,
        )
      }),
      { numRuns: 2000 },
    )
  })

  it("drops white space between tokens, and nothing else", () => {
    const text = ' { "a b" : [ 1.0 ,\t"c \\" d" ] ,\r\n "é" : { } } '
    expect(compactJson(text)).to.equal('{"a b":[1.0,"c \\" d"],"é":{}}')
    const compact = '{"a":[1e+16,"\\u00e9\\/"]}'
    expect(compactJson(compact)).to.equal(compact)
  })

  it("compacts a value to the same text, whatever its spacing", () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom("", " ", "\n\t", " \r\n "), (value, space) => {
        const text = jsonText(value)
        expect(compactJson(spread(text, space))).to.equal(text)
      }),
    )
  })
})

const numberText = fc.oneof(
  fc.maxSafeInteger().map(String),
  fc.bigInt().map(String),
  fc.constantFrom("-0", "1.0", "1e+16", "1E5", "0.10"),
)
const anyJson: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.string({ unit: "binary" }),
    numberText.map((text) => new JsonNumber(text)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .uniqueArray(
        fc.tuple(fc.oneof(fc.string(), fc.constantFrom("10", "2", "__proto__", "constructor")), tie("value")),
        { selector: ([key]) => key, maxLength: 4 },
      )
      .map((members) => new JsonObject(members)),
  ),
})).value

// Puts white space round each mark that stands outside of strings.
function spread(text: string, space: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|[[\]{},:]/gs, (token) => `${space}${token}${space}`)
}

function failure(action: () => unknown): JsonSyntaxError {
  const error = attempt(action)
  expect(error).to.be.instanceOf(JsonSyntaxError)
  return error as JsonSyntaxError
}

function attempt(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return error
  }
}
