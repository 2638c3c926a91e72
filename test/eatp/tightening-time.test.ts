import { type JsonObject, looserConstraints, parseJson } from "@trust-registry/eatp"
import { expect } from "chai"
import fc from "fast-check"
import { coverOf } from "../../eatp/dist/rules/resourcePattern.js"
import { scaled } from "../support/slowness.js"

/** How patterns were matched before, which defines what they mean: by a regular expression that backtracks. */
function coversByRegExp(pattern: string, resource: string): boolean {
  if (pattern === resource || pattern === "*" || pattern === "**") return true
  const source = pattern.replace(/\*\*\/?|\*|\?|[^*?]+/gsu, (part) => {
    if (part === "**/") return ".*/?"
    if (part === "**") return ".*"
    if (part === "*") return "[^/]*"
    return part === "?" ? "[^/]" : part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
  })
  if (new RegExp(`^${source}$`, "u").test(resource)) return true
  const base = /^(.*)\/\*\*?$/su.exec(pattern)?.[1]
  return (
    base !== undefined && (resource.startsWith(`${base}/`) || (pattern.endsWith("/**") && resource === base))
  )
}

const looser = (parent: unknown, child: unknown) =>
  looserConstraints(parsed(parent), parsed(child)).map(({ field, detail }) => ({ field, detail }))
const parsed = (value: unknown) => parseJson(JSON.stringify(value)) as JsonObject

/** How long something takes, in milliseconds. */
function taken(work: () => unknown): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

describe("eatp: the comparison of constraints", () => {
  const texts = (...units: string[]) =>
    fc.array(fc.constantFrom(...units), { maxLength: 9 }).map((parts) => parts.join(""))
  const resources = texts("a", "b", "/", "/", ".", "\n", "\u2028", "é", "😀", "\ud83d", "\ude00", "*", "$")

  it("gives each resource pattern the meaning that it had (property)", () => {
    const patterns = texts(
      "a",
      "b",
      "/",
      "*",
      "**",
      "?",
      ".",
      "\n",
      "😀",
      "\ud83d",
      "\ude00",
      "[",
      "$",
      "**/",
    )
    fc.assert(
      fc.property(patterns, resources, (pattern, resource) => {
        expect(coverOf([pattern])(resource)).to.equal(coversByRegExp(pattern, resource))
      }),
      { numRuns: 20_000 },
    )
    fc.assert(
      fc.property(fc.array(patterns, { maxLength: 3 }), resources, (several, resource) => {
        const expected = several.some((pattern) => coversByRegExp(pattern, resource))
        expect(coverOf(several)(resource)).to.equal(expected)
      }),
      { numRuns: 3_000 },
    )
  })

  it("takes no longer for patterns with many stars than for others", () => {
    for (const pattern of ["**a".repeat(10), "*a".repeat(200), "**/".repeat(300), `${"?*".repeat(500)}/`]) {
      const child = { resources: "a".repeat(3_000).concat("!") }
      expect(
        taken(() => looser({ resources: [pattern] }, child)),
        pattern,
      ).to.be.lessThan(scaled(200))
    }
  })

  it("refuses resources whose comparison would take too long, and says so", () => {
    const parent = { resources: Array.from({ length: 2_000 }, (_, at) => `${"*a".repeat(50)}${at}`) }
    const child = { resources: Array.from({ length: 2_000 }, (_, at) => `${"a".repeat(300)}-${at}`) }
    let found: ReturnType<typeof looser> = []
    expect(taken(() => (found = looser(parent, child)))).to.be.lessThan(scaled(400))
    expect(found).to.deep.equal([
      { field: "resources", detail: "Comparing them with the delegator's takes more than 1000000 steps" },
    ])
  })

  it("compares long lists of plain resources and simple patterns", () => {
    const names = Array.from({ length: 1_000 }, (_, at) => `db/folder-${at}/table`)
    expect(looser({ resources: names }, { resources: names })).to.deep.equal([])
    const folders = Array.from({ length: 100 }, (_, at) => `db/folder-${at}/*`)
    expect(looser({ resources: folders }, { resources: names.slice(0, 100) })).to.deep.equal([])
  })

  it("reads a number of a hundred thousand digits once", () => {
    const digits = "1".repeat(100_000)
    for (const text of [`${digits}x`, `${digits}_`, `0.${digits}e`])
      expect(taken(() => looser({ cost_limit: 1 }, { cost_limit: text }))).to.be.lessThan(scaled(200))
  })
})
