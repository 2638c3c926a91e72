import { PassThrough } from "node:stream"
import { create } from "@bufbuild/protobuf"
import { visible, visibleJson, visibleName } from "@trust-registry/eatp"
import { ConstraintFindingSchema, UnenforcedConstraintSchema } from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { MAX_DOCUMENT_BYTES, splitDocuments } from "../../client/cli/documents/splitDocuments.js"
import { constraintLines, tightestFirst } from "../../client/cli/output/constraints.js"
import { outputTo } from "../../client/cli/output/output.js"
import { progressOn } from "../../client/cli/output/progress.js"
import { tableLines, widthOf } from "../../client/cli/output/table.js"
import { forEachInPool } from "../../client/cli/pool.js"

async function* chunksOf(text: string | Buffer, size = 7) {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function split(text: string | Buffer, size?: number) {
  const found: [number, string][] = []
  for await (const { line, text: one, problem } of splitDocuments(chunksOf(text, size))) {
    found.push([line, problem ?? one])
  }
  return found
}

describe("the document reader", () => {
  it("reads one document per line, with blank lines, CRLF and a byte order mark", async () => {
    expect(await split('\ufeff{"a":1}\r\n\n  {"b":"}"}\n{"c":[1,{}]}')).to.deep.equal([
      [1, '{"a":1}'],
      [3, '{"b":"}"}'],
      [4, '{"c":[1,{}]}'],
    ])
    expect(await split("")).to.deep.equal([])
    expect(await split(" \n\n")).to.deep.equal([])
  })

  it("reads files that were joined, each with a byte order mark, however they arrive", async () => {
    const text =
      '\ufeff{"a":1}\n\ufeff{"b":2}\ufeff{"c":3}\n\ufeff[{"d":4},\ufeff{"e":5}]\n\ufeff\ufeff{"f":"\ufeff"}\n\ufeff'
    const found = [
      [1, '{"a":1}'],
      [2, '{"b":2}'],
      [2, '{"c":3}'],
      [3, '{"d":4}'],
      [3, '{"e":5}'],
      [4, '{"f":"\ufeff"}'],
    ]
    for (const size of [1, 2, 3, 7, 1_000]) expect(await split(text, size), `${size}`).to.deep.equal(found)
    const broken = await split('{"a":\n\ufeff{"b":2}\n')
    expect(broken.at(-1)).to.deep.equal([2, '{"b":2}'])
    expect((await split(Buffer.from([0xef, 0xbb]))).length).to.equal(1)
  })

  it("reads pretty-printed documents of any indentation, and several on one line", async () => {
    const first = '{\n"a": [\n{\n"b": 1\n},\n{\n"c": 2\n}\n]\n}'
    const second = '{ "d": {\n"e": null }\n}'
    expect(await split(`${first}\n${second} {"f":1}{"g":2}\n`)).to.deep.equal([
      [1, first],
      [11, second],
      [13, '{"f":1}'],
      [13, '{"g":2}'],
    ])
  })

  it("reads an array, on one line or many", async () => {
    expect(await split('[{"a":1},{"b":[{}]} , {"c":2}]')).to.deep.equal([
      [1, '{"a":1}'],
      [1, '{"b":[{}]}'],
      [1, '{"c":2}'],
    ])
    expect(await split('[\n  {\n    "a": 1\n  },\n  {"b":2}\n]\n')).to.deep.equal([
      [2, '{\n    "a": 1\n  }'],
      [5, '{"b":2}'],
    ])
    expect(await split("[]")).to.deep.equal([])
  })

  it("reads any JSON objects unchanged, however they are written and split", async () => {
    const value = fc.dictionary(fc.string(), fc.jsonValue())
    const format = fc.constantFrom(
      (texts: string[]) => texts.join("\n"),
      (texts: string[]) => `[${texts.join(",")}]`,
      (texts: string[]) => `[\n${texts.join(",\n")}\n]\n`,
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(value, { minLength: 1, maxLength: 5 }),
        format,
        fc.nat(4),
        fc.integer({ min: 1, max: 40 }),
        async (values, join, indent, size) => {
          const texts = values.map((one) => JSON.stringify(one, undefined, indent))
          expect((await split(join(texts), size)).map(([, text]) => text)).to.deep.equal(texts)
        },
      ),
    )
  })

  describe("after a broken document", () => {
    const BROKEN = {
      garbage: "no json",
      "text that ends in a value": '{"a":',
      "text that ends in a string": '{"a":"b',
      "text that ends after a comma": '{"a":1,',
      "text that ends in a list": '{"a":[1',
      "text that ends in a list of objects": '{"a":[{"b":1},',
      "an extra bracket": '{"a":1}}',
      "a wrong bracket": '{"a":[1}}',
      "a missing comma": '{"a":1 "b":2}',
    }
    for (const [what, line] of Object.entries(BROKEN)) {
      it(`continues on the next line: ${what}`, async () => {
        for (const size of [1, 13, 1000]) {
          const found = await split(`{"x":1}\n${line}\n{"y":2}\n{"z":{"a":3}}\n`, size)
          expect(found.at(0)).to.deep.equal([1, '{"x":1}'])
          expect(found.slice(-2)).to.deep.equal([
            [3, '{"y":2}'],
            [4, '{"z":{"a":3}}'],
          ])
          const broken = found.slice(1, -2)
          expect(broken.map(([at]) => at)).to.satisfy((lines: number[]) => lines.every((at) => at === 2))
          expect(() => broken.map(([, text]) => JSON.parse(text))).to.throw(SyntaxError)
        }
      })
    }

    it("reports words, numbers and strings that are not documents, once per line", async () => {
      for (const loose of ["this is not json", "1 2 3", '"a" "b"', "# a remark", "key: value"])
        for (const size of [1, 13, 1000]) {
          const found = await split(`${loose}\n{"y":2}\n`, size)
          expect(found.map(([line]) => line)).to.deep.equal([1, 2])
        }
    })

    it("continues after a break at the end of the file", async () => {
      expect((await split('{"a":\n{"y":2}')).slice(-1)).to.deep.equal([[2, '{"y":2}']])
    })

    it("continues with the next pretty-printed document", async () => {
      const text = '{\n  "a": oops\n  "b": {\n    "c": 1\n  }\n}\n{\n  "d": 1\n}\n'
      const found = await split(text)
      expect(found.map(([line]) => line)).to.deep.equal([1, 7])
      expect(found[1]?.[1]).to.equal('{\n  "d": 1\n}')
    })

    it("continues with the next element of an array with line breaks", async () => {
      const text = '[\n  {\n    "a": 1 1\n  },\n  {\n    "b": 2\n  }\n]\n'
      const found = await split(text)
      expect(found.map(([line]) => line)).to.deep.equal([2, 5])
      expect(JSON.parse(found[1]?.[1] ?? "")).to.deep.equal({ b: 2 })
    })

    it("reports that it cannot continue, and that an array is not closed", async () => {
      expect((await split('[{"a":1},{"b" 2},{"c":3}]')).map(([, text]) => text)).to.deep.equal([
        '{"a":1}',
        '{"b" 2',
        "the rest of the array could not be read",
      ])
      expect((await split('[{"a":1},\n')).at(-1)).to.deep.equal([2, "the array is not closed"])
    })

    it("continues if the document is not UTF-8", async () => {
      const bytes = Buffer.concat([
        Buffer.from('{"a":"'),
        Buffer.from([0xc3, 0x28]),
        Buffer.from('"}\n{"b":1}'),
      ])
      expect(await split(bytes)).to.deep.equal([
        [1, "is not UTF-8"],
        [2, '{"b":1}'],
      ])
    })

    it("continues if the document never ends, without holding it in memory", async () => {
      async function* endless() {
        yield Buffer.from('{"a":"')
        for (let i = 0; i * 1_000_000 < MAX_DOCUMENT_BYTES * 1.5; i++) yield Buffer.alloc(1_000_000, "x")
        yield Buffer.from('"}\n{"b":1}\n')
      }
      const found: unknown[] = []
      for await (const document of splitDocuments(endless())) found.push(document)
      expect(found).to.deep.equal([
        { line: 1, text: "", problem: `is longer than ${MAX_DOCUMENT_BYTES} bytes` },
        { line: 2, text: '{"b":1}' },
      ])
    })
  })
})

describe("the concurrency of commands", () => {
  const items = async function* (count: number) {
    for (let i = 0; i < count; i++) yield i
  }

  it("is bounded, and keeps the order of each key", async () => {
    let now = 0
    let most = 0
    const seen: Record<string, number[]> = {}
    await forEachInPool(items(200), {
      limit: 16,
      keyOf: (item) => `${item % 5}`,
      async work(item) {
        most = Math.max(most, ++now)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
        const key = `${item % 5}`
        seen[key] = [...(seen[key] ?? []), item]
        now--
      },
    })
    expect(most).to.equal(5)
    for (const order of Object.values(seen)) expect(order).to.deep.equal([...order].sort((a, b) => a - b))
    expect(Object.values(seen).flat()).to.have.length(200)
  })

  it("stops at the first failure, after waiting for work in progress", async () => {
    let read = 0
    let running = 0
    const source = async function* () {
      for (; ; read++) yield read
    }
    const failing = forEachInPool(source(), {
      limit: 8,
      keyOf: String,
      async work(item) {
        running++
        await new Promise((resolve) => setTimeout(resolve, 2))
        running--
        if (item === 20) throw new RangeError("twenty")
      },
    })
    expect(await failing.then(String, String)).to.equal("RangeError: twenty")
    expect(running).to.equal(0)
    expect(read).to.be.below(60)
  })
})

describe("the command line's output", () => {
  it("has no control characters and no bidirectional overrides, in text and in JSON", () => {
    const evil = "a\u001b[31m\u009b2J\r\n\u202e\u2066\ud800b"
    expect(visible(evil)).to.equal("a\\u{1b}[31m\\u{9b}2J\\u{d}\\u{a}\\u{202e}\\u{2066}\\u{d800}b")
    const json = JSON.stringify({ [evil]: "\u0085\u007f\u{1F600}ü" })
    expect(visibleJson(json)).to.match(/^[\x20-\x7e\u{1F600}ü]*$/u)
    expect(JSON.parse(visibleJson(json))).to.deep.equal(JSON.parse(json))
  })

  it("names as they are: what shows nothing, and spaces at the ends and beside each other, are escaped", () => {
    const lookalikes = [
      "a\u200bdmin",
      "admin\u3164",
      "admin ",
      " admin",
      "ad  min",
      "admin\u00a0",
      "\u202enimda",
    ]
    lookalikes.push(
      "admin\ufe0f",
      "admin\u{e0061}",
      "admin\u2800",
      "admin\u00ad",
      "admin\u180e",
      "admin\ue000",
    )
    const shown = lookalikes.map(visibleName)
    for (const name of shown)
      expect(name)
        .to.match(/^[\x21-\x7e]+$/)
        .and.include("\\u{")
    expect(new Set(shown).size).to.equal(lookalikes.length)
    // An id that spells an escape is not shown as the character.
    expect(visibleName("\\u{200b}")).to.equal("\\u{5c}u{200b}")
    for (const plain of ["agent-7", "spiffe://example/ns/a", "Ünïcode 名前", "two words"])
      expect(visibleName(plain)).to.equal(plain)
    expect(tableLines(["A", "B"], [["admin ", "x"]])[1]).to.equal("admin\\u{20}  x")
  })

  it("aligns table columns, with wide and combining characters", () => {
    expect(widthOf("日本e\u0301\u{1F600}")).to.equal(7)
    const lines = tableLines(
      ["A", "B"],
      [
        ["日本", "x"],
        ["abcdef", "y"],
        ["e\u0301", "\u001b"],
      ],
    )
    expect(lines).to.deep.equal(["A       B", "日本    x", "abcdef  y", "e\u0301       \\u{1b}"])
  })

  it("shows constraints once, as they stand, the tightest first", () => {
    const texts = [
      "no_pii_export",
      "Max_calls=100",
      "max_calls=9",
      "max_calls=1e2",
      "cost_limit = 5",
      "max_calls=9",
    ]
    expect(tightestFirst(texts)).to.deep.equal([
      "Max_calls=100",
      "cost_limit = 5",
      "max_calls=9",
      "max_calls=1e2",
      "no_pii_export",
    ])
    const met = (constraint: string, source: string, evaluated: boolean) =>
      create(ConstraintFindingSchema, { constraint, source, evaluated })
    const answer = {
      effectiveConstraints: ["b=10", "b=9", "read_only", "x"],
      constraintsMet: [
        met("b=10", "capability:1", false),
        met("read_only", "capability:1", true),
        met("b=9", "envelope", false),
        met("b=10", "delegation:2", false),
        met("a=1", "genesis", false),
        { ...met("h=1", "genesis", false), heeded: true },
      ],
      constraintsUnmet: [{ ...met("x", "genesis", true), reason: "never" }],
      unenforcedConstraints: [
        create(UnenforcedConstraintSchema, { constraint: "a=1", source: "genesis", needs: "a number a" }),
      ],
    }
    expect([...constraintLines(answer)]).to.deep.equal([
      "unmet x (genesis): never",
      "not enforced a=1 (genesis): a rule needs a number a",
      "not evaluated b=9 (envelope)",
      "not evaluated b=10 (capability:1, delegation:2)",
      "heeded h=1 (genesis)",
      "met read_only (capability:1)",
    ])
  })

  it("folds tables that are wider than the terminal, and cuts nothing", () => {
    const headings = ["AGENT", "OF", "SINCE", "REASON"]
    const [long, wide] = ["x".repeat(90), "日".repeat(33)]
    const rows = [
      [long, "a\u200b", "-", "none"],
      ["short", wide, "2026", "-"],
    ]
    expect(tableLines(headings, [["short", "a", "-", "-"]], 80)).to.have.length(2)
    expect(tableLines(headings, rows)).to.have.length(3)
    expect(tableLines(headings, rows, 80)).to.deep.equal([
      `AGENT ${long}`,
      "  OF a\\u{200b}  REASON none",
      "AGENT short",
      `  OF ${wide}`,
      "  SINCE 2026",
    ])
    expect(tableLines(headings, rows, 83).at(-1)).to.equal(`  OF ${wide}  SINCE 2026`)
  })

  it("knows the width of a terminal, and takes it for 80 columns if that is not said", () => {
    const columnsOf = (stream: object) => outputTo(Object.assign(new PassThrough(), stream)).columns
    expect([{ isTTY: true, columns: 120 }, { isTTY: true }, { columns: 120 }].map(columnsOf)).to.deep.equal([
      120,
      80,
      Infinity,
    ])
  })

  it("shows a progress bar only on a terminal", async () => {
    for (const isTTY of [true, false]) {
      const stream = Object.assign(new PassThrough(), { isTTY })
      const progress = progressOn(outputTo(stream), "documents")
      await new Promise((resolve) => setTimeout(resolve, 120))
      progress.tick(5, 0.5)
      progress.clear()
      const shown = String(stream.read() ?? "")
      const bar = `${"#".repeat(15)}${".".repeat(15)}`
      const start = `\r\u001b[K[${bar}] 5 documents 50 %, `
      expect(shown.slice(0, start.length)).to.equal(isTTY ? start : "")
      expect(shown.endsWith("/s\r\u001b[K")).to.equal(isTTY)
    }
  })
})
