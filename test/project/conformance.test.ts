import { execFile } from "node:child_process"
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"

const TESTS = join(import.meta.dirname, "..")
const runner = join(TESTS, "conformance.ts")
const generator = join(TESTS, "vectors", "generate.ts")
const ownVectors = join(TESTS, "vectors")

describe("npm run conformance", () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trust-registry-vectors-"))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it("passes on the project's own vectors, one line per file", async () => {
    const { code, output } = await run(runner)
    expect(code).to.equal(0)
    const lines = output
      .trim()
      .split("\n")
      .filter((line) => !line.startsWith("  ours: "))
    expect(lines.map((line) => line.split(":")[0])).to.deep.equal([
      "authority_documents",
      ...["canonical_json", "chain_hash", "constraint_hash", "crl", "delegation_graph", "delegation_payload"],
      ...["dual_signature", "from_dict", "hash_sensitivity", "merkle", "revocation_ledger", "signing"],
      ...["timestamps", "verification"],
    ])
    for (const line of lines) expect(line).to.match(/^[a-z_]+: [1-9][0-9]* passed, 0 failed$/)
  })

  it("fails if one expectation differs, and names it", async () => {
    const text = readFileSync(join(ownVectors, "timestamps.json"), "utf8")
    const wrong = text.replace('"isoformat":"2026-07-01T12:34:56"', '"isoformat":"2026-07-01T12:34:57"')
    expect(wrong).not.to.equal(text)
    writeFileSync(join(folder, "timestamps.json"), wrong)
    const { code, output } = await run(runner, folder)
    expect(code).to.equal(1)
    expect(output).to.match(
      /^timestamps: [0-9]+ passed, 1 failed\n {2}"2026-07-01T12:34:56": isoformat: expected /,
    )
  })

  it("fails on a file without cases, an unknown file, and a folder without vectors", async () => {
    expect((await run(runner, folder)).code).to.equal(1)
    writeFileSync(join(folder, "timestamps.json"), '{"cases":[]}')
    expect(await run(runner, folder)).to.include({ code: 1, output: "timestamps: 0 passed, 0 failed\n" })
    cpSync(join(ownVectors, "timestamps.json"), join(folder, "timestamps.json"))
    expect((await run(runner, folder)).code).to.equal(0)
    cpSync(join(ownVectors, "timestamps.json"), join(folder, "surprise.json"))
    expect((await run(runner, folder)).code).to.equal(1)
  })

  it("has vectors that the generator reproduces byte for byte", async () => {
    expect((await run(generator, folder)).code).to.equal(0)
    for (const name of readdirSync(ownVectors).filter((file) => /\.jsonl?$/.test(file))) {
      expect(readFileSync(join(folder, name), "utf8")).to.equal(readFileSync(join(ownVectors, name), "utf8"))
    }
  })
})

function run(...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--import", "tsx", ...args], (error, output) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, output })
    })
  })
}
