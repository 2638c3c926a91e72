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
import {
  documentFromChain,
  status,
  type TrustLineageChain,
  TrustLineageChainSchema,
} from "@trust-registry/client"
import { expect } from "chai"
import { endOf, startTrustRegistry, trustRegistry } from "../support/commandLine.js"
import { sampleChain } from "../support/sample.js"
import { Status, startTrustStore } from "../support/trustStore.js"
import { until } from "../support/until.js"

const BIN = fileURLToPath(new URL("../../client/bin/trust-registry.js", import.meta.url))
const CHAINS = Array.from({ length: 3 }, (_, i) => create(TrustLineageChainSchema, sampleChain(`agent-${i}`)))
const TEXT = CHAINS.map((chain) => `${documentFromChain(chain)}\n`).join("")

const snapshotOf = (value: bigint) => ({ part: { case: "snapshotRevision" as const, value } })
const storedOf = (chain: TrustLineageChain) => ({
  part: { case: "stored" as const, value: { chain, record: { agentId: chain.genesis?.agentId ?? "" } } },
})

const WARNING =
  "WARNING: documents alone were written: states, revocations, suspensions, purges, authorities and marks of keys were left " +
  "behind, and what is revoked here is trusted where they are imported; an export without --documents is whole\n"
const SUMMARY = "3 exported, 0 unreadable, as of revision 7; continue with: watch --from 8\n"

describe("the export command", () => {
  let server: Awaited<ReturnType<typeof startTrustStore>>
  let folder: string
  const at = (name: string) => join(folder, name)
  const run = (...args: string[]) =>
    trustRegistry(["export", "--documents", ...args], { address: server.address, cwd: folder })

  before(async () => {
    server = await startTrustStore({
      async *exportChains() {
        yield snapshotOf(7n)
        for (const chain of CHAINS) yield storedOf(chain)
      },
    })
  })
  after(() => server.stop())
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trust-registry-export-"))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it("replaces a file and keeps its mode", async () => {
    writeFileSync(at("old"), "before")
    chmodSync(at("old"), 0o640)
    expect(await run("old")).to.deep.equal({ code: 0, out: SUMMARY, err: WARNING })
    expect(readFileSync(at("old"), "utf8")).to.equal(TEXT)
    expect(statSync(at("old")).mode & 0o7777).to.equal(0o640)
    expect(readdirSync(folder)).to.deep.equal(["old"])
  })

  it("makes a new file that only its owner can read, whatever the umask", async () => {
    const before = process.umask(0)
    try {
      expect((await run("new")).code).to.equal(0)
    } finally {
      process.umask(before)
    }
    expect(statSync(at("new")).mode & 0o7777).to.equal(0o600)
  })

  it("follows a symbolic link and keeps it, wherever it points", async () => {
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
      err: "trust-registry: broken is a broken link; see --help\n",
    })
    expect(existsSync(at("nowhere"))).to.equal(false)
  })

  it("writes to a named pipe, even through a link, and keeps it", async () => {
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

  it("refuses a directory before it calls the registry", async () => {
    mkdirSync(at("folder"))
    const { code, err } = await trustRegistry(["export", "--documents", "folder"], {
      address: "127.0.0.1:1",
      cwd: folder,
    })
    expect({ code, err }).to.deep.equal({
      code: 2,
      err: "trust-registry: folder is a directory; see --help\n",
    })
  })

  it("writes to standard output for -, or for a link to it", async () => {
    expect(await run("-")).to.deep.equal({ code: 0, out: TEXT, err: `${SUMMARY}${WARNING}` })
    symlinkSync("/proc/self/fd/1", at("link"))
    expect(await run("link")).to.deep.equal({ code: 0, out: TEXT, err: `${SUMMARY}${WARNING}` })
    const redirected = openSync(at("redirected"), "w")
    const child = spawn(BIN, ["export", "--documents", "link", "--address", server.address], {
      cwd: folder,
      stdio: ["ignore", redirected, "ignore"],
    })
    expect(await once(child, "close")).to.deep.equal([0, null])
    closeSync(redirected)
    expect(readFileSync(at("redirected"), "utf8")).to.equal(TEXT)
  })

  it("prints its revision for programs too", async () => {
    const told = '{"exported":3,"unreadable":0,"snapshot_revision":"7"}\n'
    const message = WARNING.slice("WARNING: ".length, -1)
    const warning = `${JSON.stringify({ reason: "WARNING", message, violations: [] })}\n`
    expect(await run("new", "--json")).to.deep.equal({ code: 0, out: told, err: warning })
    expect(await run("--json")).to.deep.equal({ code: 0, out: TEXT, err: `${told}${warning}` })
  })

  describe("when interrupted", () => {
    type Handler = NonNullable<Parameters<typeof startTrustStore>[0]["exportChains"]>

    /** Sends two chains, and then either nothing until it is cancelled, or fails until it is told to be back. */
    async function halfway(then: "hangs" | "fails") {
      const asked: Parameters<Handler>[0][] = []
      let away = then === "fails"
      const half = await startTrustStore({
        async *exportChains(request, { signal }) {
          asked.push(request)
          if (away && asked.length > 1) throw new Status(status.UNAVAILABLE, "gone")
          yield snapshotOf(7n)
          const left = CHAINS.filter(({ genesis }) => (genesis?.agentId ?? "") > request.afterAgentId)
          for (const chain of asked.length === 1 ? left.slice(0, 2) : left) yield storedOf(chain)
          if (asked.length > 1) return
          if (away) throw new Status(status.UNAVAILABLE, "gone")
          await once(signal, "abort")
        },
      })
      const start = (...args: string[]) =>
        startTrustRegistry(["export", "--documents", ...args], { address: half.address, cwd: folder })
      return { ...half, asked, start, back: () => (away = false) }
    }

    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      it(`by ${signal}, leaves no partial file, and says so`, async () => {
        const { start, stop } = await halfway("hangs")
        writeFileSync(at("chains"), "before")
        const child = start("chains")
        const ended = endOf(child)
        const written = () =>
          readdirSync(folder).some((name) => name.endsWith(".partial") && statSync(at(name)).size > 0)
        await until("a part is there", written)
        child.kill(signal)
        const { code, out, err } = await ended
        expect({ code, out }).to.deep.equal({ code: 130, out: "" })
        expect(err).to.match(/^STOPPED: interrupted after \d chains; nothing was kept, .*start again.*\n$/)
        expect(readdirSync(folder)).to.deep.equal(["chains"])
        expect(readFileSync(at("chains"), "utf8")).to.equal("before")
        stop()
      })
    }

    it("by Ctrl-C or by losing the registry, prints the flags that resume it", async () => {
      for (const [then, code, told] of [
        ["hangs", 130, /^STOPPED: interrupted after 2 chains; resume with: (.*)\n$/],
        [
          "fails",
          5,
          /^STOPPED: stopped after 2 chains; resume with: (.*)\ntrust-registry: UNAVAILABLE: gone\n$/,
        ],
      ] as const) {
        const { start, asked, back, stop } = await halfway(then)
        const child = start("--timeout-ms", "300")
        const ended = endOf(child)
        let read = ""
        child.stdout.on("data", (chunk) => (read += chunk))
        await until("two are written", () => read.split("\n").length === 3)
        if (then === "hangs") child.kill("SIGINT")
        const first = await ended
        expect(first.code).to.equal(code)
        expect(first.err).to.match(told)
        back()
        const flags = told.exec(first.err)?.[1] ?? ""
        expect(flags).to.equal("--documents --after=agent-1 --snapshot-revision=7")
        const rest = await endOf(start(...flags.split(" ").slice(1)))
        expect({ code: rest.code, out: first.out + rest.out }).to.deep.equal({ code: 0, out: TEXT })
        expect(asked[1]).to.include({ afterAgentId: "agent-1", snapshotRevision: 7n })
        stop()
      }
    })
  })

  it("resumes only at the revision of the first part", async () => {
    const alone = await run("--after", "agent-1")
    expect(alone.code).to.equal(2)
    expect(alone.err).to.contain("--after requires --snapshot-revision")
    expect((await run("--snapshot-revision", "soon")).code).to.equal(2)
  })

  it("names a file that it cannot write", async () => {
    const { code, err } = await run("no/such/folder")
    expect({ code, err }).to.deep.equal({
      code: 6,
      err: "trust-registry: cannot write no/such/folder: ENOENT\n",
    })
  })

  it("reports a full standard output in one sentence", async () => {
    const script = `"${BIN}" export --documents --address ${server.address} "$@" > /dev/full`
    for (const [flags, told] of [
      [[], "trust-registry: cannot write standard output: ENOSPC\n"],
      [["--json"], '{"message":"cannot write standard output: ENOSPC","violations":[]}\n'],
    ] as const) {
      const child = spawn("sh", ["-c", script, "sh", ...flags], { stdio: ["ignore", "inherit", "pipe"] })
      let err = ""
      child.stderr.on("data", (chunk) => (err += chunk))
      const [code] = await once(child, "close")
      expect({ code, err }).to.deep.equal({ code: 6, err: told })
    }
  })
})
