import { execFileSync, type StdioOptions, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, constants, openSync } from "node:fs"
import { Socket } from "node:net"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { health, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { createLogQueue } from "../../server/logQueue.js"
import { connectTo } from "../support/calls.js"
import { embeddedFolder, SERVER_BIN } from "../support/process.js"
import { sampleChain } from "../support/sample.js"
import type { LogLine } from "../support/server.js"
import { until } from "../support/until.js"

const { SERVING } = health.HealthCheckResponse_ServingStatus

describe("a log that nobody reads", () => {
  let folder: Awaited<ReturnType<typeof embeddedFolder>>
  const closers: (() => unknown)[] = []

  beforeEach(async () => {
    folder = await embeddedFolder()
  })
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
    await folder.end()
  })

  /** Starts a server that logs every read. `stdio` gives it its standard output, `read` the other end of it. */
  function start(workers: number, stdio: StdioOptions, other?: Readable) {
    const flags = ["--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", `--data-dir=${folder.dataDir}`]
    const child = spawn(
      process.execPath,
      [SERVER_BIN, "serve", `--workers=${workers}`, "--log-level=debug", ...flags],
      { stdio },
    )
    const ended = once(child, "exit")
    closers.push(async () => {
      child.kill("SIGKILL")
      await ended
    })
    const stdout = other ?? (child.stdout as Readable)
    let text = ""
    stdout.on("data", (chunk) => {
      text += chunk
    })
    const lines = () =>
      text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as LogLine)
    const line = (fits: (line: LogLine) => boolean) => until("a line of the log", () => lines().find(fits))
    return { child, ended, stdout, lines, line }
  }

  /** A named pipe: its reader, and a descriptor to write to it. */
  function namedPipe() {
    const path = join(folder.dataDir, "log")
    execFileSync("mkfifo", [path])
    const reader = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) })
    closers.push(() => reader.destroy())
    return { reader, fd: openSync(path, constants.O_WRONLY) }
  }

  const kinds: [string, () => [StdioOptions, Readable?], number][] = [
    ["a socket", () => [["ignore", "pipe", "inherit"]], 1],
    [
      "a pipe of two workers",
      () => {
        const { reader, fd } = namedPipe()
        closers.push(() => closeSync(fd))
        return [["ignore", fd, "inherit"], reader]
      },
      2,
    ],
  ]
  for (const [kind, open, workers] of kinds)
    it(`holds up no call, and tells later what is missing: ${kind}`, async () => {
      const { child, ended, stdout, lines, line } = start(workers, ...open())
      const { address } = await line(
        ({ msg, workers: count = 1 }) => msg.startsWith("ready") && count === workers,
      )
      const { metrics } = await line(({ msg }) => msg === "serving metrics")
      const connection = connectTo(String(address))
      closers.push(() => connection.close())
      const { storeChain, getChain } = connection.calls(TrustStoreService)
      await storeChain({ chain: sampleChain("read") })
      stdout.pause()
      const droppedNow = async () => {
        const text = await (await fetch(`http://${metrics}/metrics`)).text()
        const counts = [...text.matchAll(/^trust_registry_log_lines_dropped_total\S* (\d+)$/gm)]
        return counts.reduce((sum, [, count]) => sum + Number(count), 0)
      }
      const load = async () => {
        await Promise.all(Array.from({ length: 500 }, () => getChain({ agentId: "read" })))
        expect((await connection.calls(health.Health).check({})).status).to.equal(SERVING)
      }
      await until("lines are dropped", async () => {
        await load()
        return (await droppedNow()) > 0
      })
      for (let round = 0; round < 10; round++) await load()
      const dropped = await droppedNow()
      expect(dropped).to.be.above(4_000)

      stdout.resume()
      const { dropped: told } = await line(({ dropped }) => typeof dropped === "number")
      expect(told).to.be.within(dropped, dropped + 1_000)
      await load()
      await until("the log goes on", () => lines().at(-1)?.dropped === undefined)

      stdout.pause()
      for (let round = 0; round < 10; round++) await load()
      child.kill("SIGTERM")
      expect(await ended).to.deep.equal([0, null])
      expect(await folder.postmaster()).to.equal(undefined)
    })

  it("keeps at most 1 MiB of lines", async () => {
    const sent: string[] = []
    let release = () => {}
    const queue = createLogQueue({
      send: (text, done) => {
        sent.push(text)
        release = () => done(false)
      },
      sendNow: () => undefined,
    })
    const line = `${"x".repeat(1023)}\n`
    for (let count = 0; count < 10_000; count++) queue.write(line)
    expect(queue.dropped).to.equal(10_000 - 1024)
    while (sent.join("").length < 1 << 20) release()
    queue.write(line)
    expect(queue.dropped, "until all is written").to.equal(10_000 - 1024 + 1)
    release()
    expect(JSON.parse(sent.at(-1) ?? "")).to.include({ level: "warn", dropped: 10_000 - 1024 + 1 })
    release()
    queue.write(line)
    expect(sent.at(-1)).to.equal(line)
    for (const text of sent) expect(text.length).to.be.at.most(4096)
  })

  it("counts what cannot be written, and tells it with the next line that can", async () => {
    const sent: string[] = []
    let failed = true
    const queue = createLogQueue({
      send: (text, done) => {
        if (!failed) sent.push(text)
        process.nextTick(done, failed)
      },
      sendNow: () => undefined,
    })
    for (let count = 0; count < 10; count++) queue.write("lost\n")
    await queue.flush(1_000)
    expect(queue.dropped).to.equal(10)
    failed = false
    queue.write("written\n")
    await queue.flush(1_000)
    expect(sent[0]).to.equal("written\n")
    expect(JSON.parse(sent[1] ?? "")).to.include({ dropped: 10 })
    expect(sent).to.have.lengthOf(2)
  })
})
