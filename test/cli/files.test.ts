import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { create } from "@bufbuild/protobuf"
import { documentFromChain, TrustLineageChainSchema } from "@trust-registry/client"
import { expect } from "chai"
import { endOf, startTrustRegistry, trustRegistry } from "../support/commandLine.js"
import { sampleChain } from "../support/sample.js"
import { startTrustStore } from "../support/trustStore.js"
import { until } from "../support/until.js"

const BIN = fileURLToPath(new URL("../../client/bin/trust-registry.js", import.meta.url))
const NOBODY = "127.0.0.1:1"
const documentOf = (agentId: string) =>
  documentFromChain(create(TrustLineageChainSchema, sampleChain(agentId)))

describe("input files", () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "trust-registry-files-"))
  })
  after(() => rmSync(folder, { recursive: true }))

  const run = (args: string, stdin = "", address = NOBODY) =>
    trustRegistry(args.split(" "), { address, cwd: folder, stdin })
  const write = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content)

  it("without documents fail with exit code 2, but importing them succeeds", async () => {
    write("empty.json", " \n")
    write("none.json", "[]")
    for (const command of ["store", "update", "hash", "authority register"]) {
      const { code, err } = await run(`${command} empty.json none.json`)
      expect({ code, err }, command).to.deep.equal({
        code: 2,
        err: "trust-registry: no document in empty.json, none.json; see --help\n",
      })
    }
    expect((await run("store")).err).to.equal("trust-registry: no document in standard input; see --help\n")
    expect(await run("import empty.json")).to.include({ code: 0, out: "0 created, 0 updated, 0 refused\n" })
  })

  it("that cannot be read fail with exit code 2", async () => {
    const socket = createServer().listen(join(folder, "socket"))
    await once(socket, "listening")
    const { code, err } = await run("import socket")
    socket.close()
    expect(code).to.equal(2)
    expect(err).to.equal("trust-registry: cannot read socket: ENXIO; see --help\n")
  })

  it("that are not permitted fail with exit code 2 before anything is sent", async () => {
    write("secret.json", documentOf("a"))
    chmodSync(join(folder, "secret.json"), 0)
    chmodSync(folder, 0o755)
    // Root may read all; anybody else runs as who they are.
    const user = process.getuid?.() === 0 ? { uid: 65534 } : {}
    const child = spawn(BIN, ["hash", "secret.json"], { cwd: folder, ...user })
    let err = ""
    child.stderr.on("data", (chunk) => (err += chunk))
    const [code] = await once(child, "close")
    expect({ code, err }).to.deep.equal({
      code: 2,
      err: "trust-registry: cannot read secret.json: EACCES; see --help\n",
    })
  })

  it("that are compressed or UTF-16 are recognized by their first bytes, and reported in one sentence", async () => {
    const text = `${documentOf("a")}\n`.repeat(50)
    write("chains.gz", gzipSync(text))
    const { code, out, err } = await run("import chains.gz")
    expect({ code, out }).to.deep.equal({ code: 1, out: "0 created, 0 updated, 1 refused\n" })
    expect(err).to.match(/^chains\.gz:1: INVALID_DOCUMENT: is compressed with gzip: .*\n$/)
    const utf16 = Buffer.from(text, "utf16le")
    const swapped = Buffer.from(utf16).swap16()
    const marks = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])] as const
    for (const content of [
      utf16,
      swapped,
      Buffer.concat([marks[0], utf16]),
      Buffer.concat([marks[1], swapped]),
    ]) {
      write("wide.jsonl", content)
      const told = await run("hash wide.jsonl")
      expect(told.err).to.equal("wide.jsonl:1: INVALID_DOCUMENT: is UTF-16: documents must be UTF-8\n")
    }
  })

  it("are abandoned after twenty lines in a row that are not JSON, and the next file is read", async () => {
    const server = await startTrustStore({
      async *importChains(requests) {
        for await (const _ of requests)
          yield { result: { result: { case: "stored", value: { created: true } } } }
      },
    })
    const wrong = (count: number) => "no json\n".repeat(count)
    write("some.txt", `${wrong(20)}${documentOf("a")}\n${wrong(20)}${documentOf("b")}\n`)
    write("csv.txt", `${documentOf("c")}\n${wrong(1000)}${documentOf("d")}\n`)
    write("last.json", documentOf("e"))
    try {
      const some = await run("import some.txt", "", server.address)
      expect(some.out).to.equal("2 created, 0 updated, 40 refused\n")
      const { out, err } = await run("import csv.txt last.json", "", server.address)
      expect(out).to.equal("2 created, 0 updated, 21 refused\n")
      const [last] = err.trimEnd().split("\n").slice(-1)
      expect(last).to.match(/^csv\.txt:22: INVALID_DOCUMENT: .* the rest of the file is skipped$/)
    } finally {
      server.stop()
    }
  })

  it("report array elements that are not objects", async () => {
    const { code, err } = await run("hash", '[1, true,"a" ,[2]]')
    expect(code).to.equal(1)
    expect(err).to.equal("stdin:1: INVALID_DOCUMENT: a chain is a JSON object\n".repeat(4))
  })

  describe("an import that Ctrl-C ends finishes what is in progress, and says where to resume", () => {
    /** Stores what it is told to until it is let go. */
    async function slowServer() {
      const stored: string[] = []
      let go: (() => void) | undefined
      const gone = new Promise<void>((resolve) => {
        go = resolve
      })
      const server = await startTrustStore({
        async *importChains(requests) {
          for await (const { request } of requests) {
            stored.push(request?.chain?.genesis?.agentId ?? "")
            if (stored.length > 4) await gone
            yield { result: { result: { case: "stored", value: { created: true } } } }
          }
        },
      })
      return { ...server, stored, go: () => go?.() }
    }

    async function interrupted(args: string[], stdin: AsyncIterable<string> | string) {
      const server = await slowServer()
      const child = startTrustRegistry(["import", "--in-flight", "2", ...args], {
        address: server.address,
        cwd: folder,
        stdin,
      })
      const ended = endOf(child)
      await until("it stores", () => server.stored.length === 5)
      child.kill("SIGINT")
      server.go()
      const run = await ended
      server.stop()
      return { run, stored: server.stored }
    }

    it("in a file: from the next line", async () => {
      write("many.jsonl", Array.from({ length: 5_000 }, (_, i) => `${documentOf(`a-${i + 1}`)}\n`).join(""))
      const { run: ended, stored } = await interrupted(["many.jsonl"], "")
      expect(ended.out).to.equal(`${stored.length} created, 0 updated, 0 refused\n`)
      expect(ended.err).to.equal(
        `many.jsonl:${stored.length + 1}: STOPPED: interrupted: resume from this line (all before it are done)\n`,
      )
      expect(ended.code).to.equal(130)
    })

    it("in a pipe that is silent: after the last document", async () => {
      async function* pipe() {
        for (let i = 1; i <= 5; i++) yield `${documentOf(`a-${i}`)}\n`
        await new Promise(() => {})
      }
      const { run: ended } = await interrupted([], pipe())
      expect(ended).to.deep.equal({
        code: 130,
        out: "5 created, 0 updated, 0 refused\n",
        err: "stdin:5: STOPPED: interrupted: resume after this document (it and all before it are done)\n",
      })
    })
  })
})
