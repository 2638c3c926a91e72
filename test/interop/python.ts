// A Python grpcio client stores and reads a chain and reads the error details of refused ones: `npm run test:interop`.
import { execFile } from "node:child_process"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { endSharedCluster } from "../support/postgres.js"
import { startRegistry } from "../support/server.js"

const run = promisify(execFile)
const PROTO = fileURLToPath(new URL("../../proto", import.meta.url))
const CLIENT = fileURLToPath(new URL("client.py", import.meta.url))
/** Debian's python3-grpcio belongs to Debian's own Python, whatever `python3` is on the PATH. */
const PYTHON = process.env.PYTHON ?? "/usr/bin/python3"
const PACKAGES = "python3-grpcio python3-protobuf protobuf-compiler protobuf-compiler-grpc"

const missing = await findMissing()
if (missing.length > 0) {
  process.stderr.write(`test:interop needs ${missing.join(", ")}; on Debian: apt-get install ${PACKAGES}\n`)
  process.exit(1)
}
const generated = await mkdtemp(join(tmpdir(), "trust-registry-interop-"))
const registry = await startRegistry()
try {
  await generate()
  await run(PYTHON, [CLIENT, registry.address, generated], { timeout: 300_000 })
  process.stdout.write("test:interop: a Python client stored, read and was refused as the contract says\n")
} catch (error) {
  process.stderr.write(`test:interop failed: ${(error as { stderr?: string }).stderr ?? error}\n`)
  process.exitCode = 1
} finally {
  await registry.stop()
  await endSharedCluster()
  await rm(generated, { recursive: true, force: true })
}

async function findMissing() {
  const needs: [string, string, string[]][] = [
    ["protoc", "protoc", ["--version"]],
    ["grpc_python_plugin", "sh", ["-c", "command -v grpc_python_plugin"]],
    [`grpcio and protobuf for ${PYTHON}`, PYTHON, ["-c", "import grpc, google.protobuf"]],
  ]
  const answers = await Promise.allSettled(needs.map(([, file, args]) => run(file, args)))
  return needs.filter((_, index) => answers[index]?.status === "rejected").map(([name]) => name)
}

async function generate() {
  const files = (await readdir(PROTO, { recursive: true })).filter(
    (path) => path.endsWith(".proto") && !path.includes("node_modules"),
  )
  const { stdout } = await run("sh", ["-c", "command -v grpc_python_plugin"])
  const plugin = `--plugin=protoc-gen-grpc=${stdout.trim()}`
  await run(
    "protoc",
    [`-I${PROTO}`, plugin, `--python_out=${generated}`, `--grpc_out=${generated}`, ...files],
    { cwd: PROTO },
  )
}
