import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
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

  it("holds a program that runs, and checks itself", async () => {
    const guide = await readFile(join(ROOT, "docs", "guide.md"), "utf8")
    const pieces = [...guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, piece]) => piece)
    if (!registry) throw new Error("no registry")
    const program = pieces.join("\n").replaceAll("127.0.0.1:50051", registry.address)
    const file = join(folder, "guide.mts")
    await writeFile(file, program)
    await run(process.execPath, ["--import", "tsx", file], { cwd: ROOT, timeout: 100_000 })
  })
})
