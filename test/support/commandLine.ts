import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { once } from "node:events"
import { Readable } from "node:stream"
import { fileURLToPath } from "node:url"

const BIN = fileURLToPath(new URL("../../client/bin/trust-registry.js", import.meta.url))

/** The exit code and output of a `trust-registry` run. */
export interface Run {
  code: number | null
  out: string
  err: string
}

/** The environment of a run. */
export interface RunOptions {
  address?: string
  cwd?: string
  stdin?: string | AsyncIterable<string>
  env?: NodeJS.ProcessEnv
}

/** Runs `trust-registry` in its own process, and waits for its end. */
export async function trustRegistry(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return await endOf(startTrustRegistry(args, options))
}

/** Starts `trust-registry` without waiting for its end. */
export function startTrustRegistry(args: readonly string[], options: RunOptions = {}) {
  const { address, cwd, stdin = "", env } = options
  const child = spawn(BIN, args, {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...(address ? { TRUST_REGISTRY_ADDRESS: address } : {}),
      ...env,
    },
  })
  // A command that stops early reads no further.
  child.stdin.on("error", () => {})
  Readable.from(typeof stdin === "string" ? [stdin] : stdin).pipe(child.stdin)
  return child
}

/** Waits for the end of a started process. */
export async function endOf(child: ChildProcessWithoutNullStreams): Promise<Run> {
  const said = { out: "", err: "" }
  child.stdout.on("data", (chunk) => {
    said.out += chunk
  })
  child.stderr.on("data", (chunk) => {
    said.err += chunk
  })
  const [code] = await once(child, "close")
  return { code, ...said }
}
