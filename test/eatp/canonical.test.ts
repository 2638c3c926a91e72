import { createHash } from "node:crypto"
import {
  byCodePoint,
  CanonicalError,
  canonicalJson,
  delegateCanonicalJson,
  hashChain,
  JsonNumber,
  jcs,
  parseJson,
  pythonJson,
  pythonStr,
} from "@trust-registry/eatp"
import { expect } from "chai"
import fc from "fast-check"

// What python3.11 prints for str(json.loads(text)).
const numbers: Record<string, string> = {
  "0": "0",
  "-0": "0",
  "-0.0": "-0.0",
  "1.50": "1.5",
  "1E5": "100000.0",
  "1e15": "1000000000000000.0",
  "1e16": "1e+16",
  "9999999999999998.0": "9999999999999998.0",
  "123456789012345678.0": "1.2345678901234568e+17",
  "1e-4": "0.0001",
  "1e-5": "1e-05",
  "0.00012345": "0.00012345",
  "2.5e-7": "2.5e-07",
  "5e-324": "5e-324",
  "1e400": "inf",
  "-1e400": "-inf",
  "1e-400": "0.0",
  "100.0": "100.0",
  "4.35": "4.35",
  "123456789012345678901234567890": "123456789012345678901234567890",
}

describe("eatp: values printed as in Python", () => {
  for (const [text, printed] of Object.entries(numbers)) {
    it(`prints ${text} as ${printed}`, () => expect(pythonStr(parseJson(text))).to.equal(printed))
  }

  it("treats Unicode 14's printable characters as Python 3.11 does, whatever ICU Node has", () => {
    let map = ""
    for (let code = 0; code < 0x110000; code++) map += printsItself(code) ? "1" : "0"
    // hashlib.sha256("".join("1" if chr(c).isprintable() else "0" for c in range(0x110000)).encode()).hexdigest()
    const python = "4ee85060c16cbd4fcd8fc466cf72f18adafc5b2f30b180314f7fafd88f82ab1d"
    expect(createHash("sha256").update(map).digest("hex")).to.equal(python)
  })

  it("quotes strings inside others as repr does, and leaves a bare one unquoted", () => {
    expect(pythonStr("it's")).to.equal("it's")
    expect(pythonStr(["it's", 'say "so"', 'it\'s "so"', "a\\b\n\t\r\u0000\u007f"])).to.equal(
      `["it's", 'say "so"', 'it\\'s "so"', 'a\\\\b\\n\\t\\r\\x00\\x7f']`,
    )
    expect(pythonStr(["é漢😀", "\u200b\u00ad\ud800\u{e0001}"])).to.equal(
      "['é漢😀', '\\u200b\\xad\\ud800\\U000e0001']",
    )
  })

  it("prints objects in order, with Python's literals", () => {
    const value = parseJson('{"b":true,"a":[null,false,{}],"10":1.0,"__proto__":[]}')
    expect(pythonStr(value)).to.equal("{'b': True, 'a': [None, False, {}], '10': 1.0, '__proto__': []}")
  })

  it("refuses an integer that Python 3.11 cannot read", () => {
    expect(pythonStr(parseJson("9".repeat(4300)))).to.have.length(4300)
    expect(() => pythonStr(parseJson("9".repeat(4301)))).to.throw(CanonicalError)
    expect(() => pythonStr(parseJson(`-${"9".repeat(4301)}`))).to.throw(CanonicalError)
  })
})

describe("eatp: canonical JSON", () => {
  it("escapes everything but printable ASCII, in lowercase, and not the slash", () => {
    expect(canonicalJson('é\u007f𝄞/"\\\b\f\n\r\t\u0001')).to.equal(
      '"\\u00e9\\u007f\\ud834\\udd1e/\\"\\\\\\b\\f\\n\\r\\t\\u0001"',
    )
  })

  it("sorts keys by code point, and pythonJson does not sort", () => {
    const value = parseJson('{"\\ud834\\udd1e":1,"\\ue000":2,"b":3,"a":4}')
    expect(canonicalJson(value)).to.equal('{"a":4,"b":3,"\\ue000":2,"\\ud834\\udd1e":1}')
    expect(pythonJson(value)).to.equal('{"\\ud834\\udd1e":1,"\\ue000":2,"b":3,"a":4}')
    expect(jcs(value)).to.equal('{"a":4,"b":3,"𝄞":1,"\ue000":2}')
  })

  it("orders any two strings by code point, and so by their UTF-8", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        expect(Math.sign(byCodePoint(a, b))).to.equal(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
    const sorted = ["\ud800", "\ud800\ue000", "\udbff", "\ue000", "\uffff", "\u{10000}", "\u{10000}a"]
    expect([...sorted].reverse().sort(byCodePoint)).to.deep.equal(sorted)
  })

  it("refuses numbers that have no JSON form in Python", () => {
    for (const text of ["1e400", "-1e400"]) {
      for (const encode of [canonicalJson, delegateCanonicalJson, pythonJson, jcs]) {
        expect(() => encode([new JsonNumber(text)]), text).to.throw(CanonicalError)
      }
    }
    for (const text of ["NaN", "Infinity", "", "01", "1."]) {
      expect(() => canonicalJson(new JsonNumber(text)), text).to.throw(CanonicalError)
    }
  })

  it("refuses lone surrogates where text must become UTF-8", () => {
    expect(canonicalJson("\ud800")).to.equal('"\\ud800"')
    for (const encode of [delegateCanonicalJson, jcs]) expect(() => encode("\ud800")).to.throw(CanonicalError)
    expect(() => hashChain("\ud800")).to.throw(CanonicalError)
  })

  it("hashes a bare string as it is, and other values as canonical JSON", () => {
    const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")
    expect(hashChain("é")).to.equal(sha256("é"))
    expect(hashChain(parseJson('{"b":1.0,"a":"é"}'))).to.equal(sha256('{"a":"\\u00e9","b":1.0}'))
  })

  it("writes ECMAScript's numbers in JCS, but integers exactly", () => {
    const value = parseJson("[1.0,-0.0,-0,1e21,1e20,1e-7,9007199254740993,100000000000000000000000]")
    expect(jcs(value)).to.equal(
      "[1,0,0,1e+21,100000000000000000000,1e-7,9007199254740993,100000000000000000000000]",
    )
  })

  it("enforces the limits of JCS subjects", () => {
    const nested = (depth: number) => parseJson(`${"[".repeat(depth)}1${"]".repeat(depth)}`)
    expect(jcs(nested(49))).to.have.length(99)
    expect(() => jcs(nested(50))).to.throw(CanonicalError, "50")
    expect(() => jcs(Array(501).fill(null))).to.throw(CanonicalError, "500")
    expect(() => jcs(Array(300).fill(Array(400).fill(true)))).to.throw(CanonicalError, "100000")
    expect(() => jcs(["x".repeat(5_000_001), "y".repeat(5_000_000)])).to.throw(CanonicalError, "10000000")
  })
})

// In a list, Python prints a printable character as itself; ' and \ are printable though repr escapes them.
function printsItself(code: number): boolean {
  const character = String.fromCodePoint(code)
  if (character === "'" || character === "\\") return true
  return pythonStr([character]) === `['${character}']`
}
