import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect } from "chai"
import { startRegistry, type TestRegistry } from "../support/server.js"

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, "..", "..")

describe("docs/guide.md", () => {
  let registry: TestRegistry | undefined
  let folder: string

  before(async () => {
    // Below the project, so that the program finds the SDK; there, only the name says that it is a module.
    const cache = join(ROOT, "node_modules", ".cache")
    await mkdir(cache, { recursive: true })
    folder = await mkdtemp(join(cache, "guide-"))
    registry = await startRegistry()
  })
  after(async () => {
    await rm(folder, { recursive: true, force: true })
    await registry?.stop()
  })

  it("contains a program that runs and checks itself, again after an interrupted run, and leaves no chain", async () => {
    const guide = await readFile(join(ROOT, "docs", "guide.md"), "utf8")
    const pieces = [...guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, piece]) => piece)
    if (!registry) throw new Error("no registry")
    const program = pieces.join("\n").replaceAll("127.0.0.1:50051", registry.address)
    const file = join(folder, "guide.mts")
    const runProgram = async (text: string) => {
      await writeFile(file, text)
      await run(process.execPath, ["--import", "tsx", file], { cwd: ROOT })
    }
    for (const step of ["await registry.restoreChain(", "const filter = {"]) {
      expect(program).to.contain(step)
      await runProgram(program.replace(step, `process.exit()\n${step}`))
    }
    for (let runs = 0; runs < 2; runs++) await runProgram(program)
    const [left] = await registry.sql`
      select (select count(*) from trust_chains) + (select count(*) from trust_authorities where is_active) as count`
    expect(Number(left?.count)).to.equal(0)
  })
})
