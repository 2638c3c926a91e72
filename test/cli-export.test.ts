import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { create } from "@bufbuild/protobuf"
import { documentFromChain, TrustLineageChainSchema } from "@trust-registry/client"
import { expect } from "chai"
import { trustRegistry } from "./support/commandLine.js"
import { sampleChain } from "./support/sample.js"
import { startTrustStore } from "./support/trustStore.js"

const BIN = fileURLToPath(new URL("../client/bin/trust-registry.js", import.meta.url))
const CHAINS = Array.from({ length: 3 }, (_, i) => create(TrustLineageChainSchema, sampleChain(`agent-${i}`)))
const TEXT = CHAINS.map((chain) => `${documentFromChain(chain)}\n`).join("")

describe("an export", () => {
  let server: Awaited<ReturnType<typeof startTrustStore>>
  let folder: string
  const at = (name: string) => join(folder, name)
  const run = (...args: string[]) =>
    trustRegistry(["export", ...args], { address: server.address, cwd: folder })

  before(async () => {
    server = await startTrustStore({
      async *exportChains() {
        yield { snapshotRevision: 7n }
        for (const chain of CHAINS) yield { chain, record: { agentId: chain.genesis?.agentId ?? "" } }
      },
    })
  })
  after(() => server.stop())
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trust-registry-export-"))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it("takes the place of a file and keeps its mode", async () => {
    writeFileSync(at("old"), "before")
    chmodSync(at("old"), 0o640)
    expect(await run("old")).to.deep.equal({ code: 0, out: "3 exported, 0 unreadable\n", err: "" })
    expect(readFileSync(at("old"), "utf8")).to.equal(TEXT)
    expect(statSync(at("old")).mode & 0o7777).to.equal(0o640)
    expect(readdirSync(folder)).to.deep.equal(["old"])
  })

  it("follows a link and leaves it a link, wherever it leads", async () => {
    mkdirSync(at("elsewhere"))
    writeFileSync(at("elsewhere/chains"), "before")
    symlinkSync("elsewhere/chains", at("link"))
    expect((await run("link")).code).to.equal(0)
    expect(lstatSync(at("link")).isSymbolicLink()).to.equal(true)
    expect(readFileSync(at("elsewhere/chains"), "utf8")).to.equal(TEXT)
    expect(readdirSync(at("elsewhere"))).to.deep.equal(["chains"])
    symlinkSync("nowhere", at("broken"))
    const broken = await run("broken")
    expect(broken).to.include({
      code: 2,
      err: "trust-registry: broken is a link to what is not there; see --help\n",
    })
    expect(existsSync(at("nowhere"))).to.equal(false)
  })

  it("writes into a named pipe, also behind a link, and leaves it one", async () => {
    execFileSync("mkfifo", [at("pipe")])
    symlinkSync("pipe", at("link"))
    for (const name of ["pipe", "link"]) {
      const reader = spawn("cat", [at("pipe")])
      let read = ""
      reader.stdout.on("data", (chunk) => (read += chunk))
      const ended = once(reader, "close")
      expect((await run(name)).code).to.equal(0)
      await ended
      expect(read).to.equal(TEXT)
    }
    expect(lstatSync(at("pipe")).isFIFO()).to.equal(true)
    expect(lstatSync(at("link")).isSymbolicLink()).to.equal(true)
  })

  it("refuses a folder before it asks the registry", async () => {
    mkdirSync(at("folder"))
    const { code, err } = await trustRegistry(["export", "folder"], { address: "127.0.0.1:1", cwd: folder })
    expect({ code, err }).to.deep.equal({ code: 2, err: "trust-registry: folder is a folder; see --help\n" })
  })

  it("writes to standard output for -, and where a link leads to it", async () => {
    expect(await run("-")).to.deep.equal({ code: 0, out: TEXT, err: "" })
    symlinkSync("/proc/self/fd/1", at("link"))
    expect(await run("link")).to.deep.equal({ code: 0, out: TEXT, err: "" })
    const redirected = openSync(at("redirected"), "w")
    const child = spawn(BIN, ["export", "link", "--address", server.address], {
      cwd: folder,
      stdio: ["ignore", redirected, "inherit"],
    })
    expect(await once(child, "close")).to.deep.equal([0, null])
    closeSync(redirected)
    expect(readFileSync(at("redirected"), "utf8")).to.equal(TEXT)
  })

  it("names a file that cannot be written", async () => {
    const { code, err } = await run("no/such/folder")
    expect({ code, err }).to.deep.equal({
      code: 6,
      err: "trust-registry: no/such/folder cannot be written: ENOENT\n",
    })
  })

  it("tells in a sentence that standard output is full", async () => {
    const script = `"${BIN}" export --address ${server.address} "$@" > /dev/full`
    for (const [flags, told] of [
      [[], "trust-registry: standard output cannot be written: ENOSPC\n"],
      [["--json"], '{"message":"standard output cannot be written: ENOSPC","violations":[]}\n'],
    ] as const) {
      const child = spawn("sh", ["-c", script, "sh", ...flags], { stdio: ["ignore", "inherit", "pipe"] })
      let err = ""
      child.stderr.on("data", (chunk) => (err += chunk))
      const [code] = await once(child, "close")
      expect({ code, err }).to.deep.equal({ code: 6, err: told })
    }
  })
})
