import { readFileSync } from "node:fs"
import { expect } from "chai"

const page = readFileSync(new URL("../../docs/guarantees.md", import.meta.url), "utf8")

/** Each row of a table: a promise, and the file and title of the test that holds it. */
const promises = [
  ...page.matchAll(/^\| (?<promise>[^|]+) \| `(?<file>[\w-]+\/[\w-]+)`: (?<title>[^|]+) \|$/gm),
]

describe("docs/guarantees.md", () => {
  it("has a promise and a test in every row", () => {
    const rows = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| promise"))
    expect(promises.length).to.equal(rows.length)
    expect(promises.length).to.be.greaterThan(20)
  })

  for (const { groups = {} } of promises)
    it(`${groups.file}: ${groups.title}`, () => {
      const source = readFileSync(new URL(`../${groups.file}.test.ts`, import.meta.url), "utf8")
      const titles = [...source.matchAll(/\bit\(\s*(["`])(.+?)\1,/gs)].map((match) => match[2] ?? "")
      expect(titles.some((title) => title.includes(groups.title ?? ""))).to.equal(true)
    })
})
