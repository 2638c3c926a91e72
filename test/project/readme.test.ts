import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect } from "chai"
import { startRegistry, type TestRegistry } from "../support/server.js"

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, "..", "..")

describe("README.md", () => {
  let registry: TestRegistry
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "readme-"))
    registry = await startRegistry()
  })
  after(async () => {
    await rm(folder, { recursive: true, force: true })
    await registry?.stop()
  })

  it("has a quick start that reaches yes for a reason, and no with a reason", async () => {
    const page = await readFile(join(ROOT, "README.md"), "utf8")
    const pieces = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, piece]) => piece ?? "")
    const script = pieces.filter((piece) => piece.includes("check-authority")).join("\n")
    const command = `${process.execPath} ${join(ROOT, "client/bin/trust-registry.js")}`
    const { stdout, stderr } = await run("sh", ["-c", script.replaceAll("npx trust-registry", command)], {
      cwd: folder,
      env: { PATH: process.env.PATH, TRUST_REGISTRY_ADDRESS: registry.address },
    })
    expect(stderr).to.equal("")
    const answers = stdout.split("\n").filter((line) => /^(allowed|denied)/.test(line))
    expect(answers).to.have.length(3)
    expect(answers[0]).to.match(/^allowed by cap-/)
    expect(answers[1]).to.match(/^denied: CAPABILITY_NOT_FOUND: /)
    expect(answers[2]).to.match(/^denied: REVOKED: agent "agent-7" is suspended$/)
  })
})
