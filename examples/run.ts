// Runs the examples one by one against a temporary registry: `npm run examples`. Each runs until it is interrupted at its first line, and
// then to its end; neither may leave anything behind.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { connect, type TrustRegistry } from "@trust-registry/client"

const SERVER = fileURLToPath(new URL("../server/bin/trust-registry-server.js", import.meta.url))
const stopped = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stopped.abort())

const dataDir = await mkdtemp(join(tmpdir(), "trust-registry-examples-"))
const server = spawn(process.execPath, [SERVER, "serve"], {
  env: withoutSettings({ TRUST_REGISTRY_LISTEN: "127.0.0.1:0", TRUST_REGISTRY_DATA_DIR: dataDir }),
  stdio: ["ignore", "pipe", "inherit"],
})
const serverEnd = once(server, "exit")
try {
  const address = await readyAddress()
  const registry = connect(address)
  for (const file of await examples())
    for (const interrupted of [true, false]) {
      await runExample(file, address, interrupted)
      await assertClean(registry, file)
    }
  registry.close()
} catch (error) {
  process.exitCode = 1
  process.stderr.write(`npm run examples: ${(error as Error).message}\n`)
} finally {
  server.kill("SIGTERM")
  await serverEnd
  await rm(dataDir, { recursive: true, force: true })
}

/** Returns the environment without settings for another registry, plus the given ones. */
function withoutSettings(settings: NodeJS.ProcessEnv) {
  const others = Object.entries(process.env).filter(
    ([name]) => !/^(DATABASE_URL$|TRUST_REGISTRY_)/.test(name),
  )
  return { ...Object.fromEntries(others), ...settings }
}

async function readyAddress(): Promise<string> {
  const lines = createInterface({ input: server.stdout })
  for await (const line of lines) {
    const { msg, address } = JSON.parse(line) as { msg: string; address?: string }
    if (!msg.startsWith("ready") || address === undefined) continue
    // The log is not read from here on, and a full pipe would block the server.
    server.stdout.resume()
    return address
  }
  throw new Error("the registry did not start")
}

async function examples() {
  const files = await readdir(import.meta.dirname)
  const numbered = files.filter((file) => /^\d+-.*\.ts$/.test(file))
  return numbered.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
}

async function runExample(file: string, address: string, interrupted: boolean) {
  process.stdout.write(`\n${file}${interrupted ? ", interrupted" : ""}\n`)
  const example = spawn(process.execPath, ["--import", "tsx", join(import.meta.dirname, file)], {
    env: withoutSettings({ TRUST_REGISTRY_ADDRESS: address }),
    stdio: ["ignore", "pipe", "inherit"],
    signal: stopped.signal,
  })
  example.stdout.pipe(process.stdout, { end: false })
  if (interrupted) example.stdout.once("data", () => example.kill("SIGINT"))
  const [code] = await once(example, "close")
  // The shorter examples may end first.
  if (code !== 0 && !(interrupted && code === 130)) throw new Error(`${file} failed with code ${code}`)
}

async function assertClean(registry: TrustRegistry, file: string) {
  const { count } = await registry.countChains({ filter: { includeInactive: true } })
  const { authorities } = await registry.listAuthorities().page()
  if (count > 0n || authorities.length > 0)
    throw new Error(`${file} left ${count} chains and ${authorities.length} active authorities`)
}
