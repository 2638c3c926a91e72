// Every test, in as many mocha processes as there is work for two cores: much of it waits for processes and time-outs.
// The first one's report comes as it goes, the others' when they are done.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const SHARDS = 2
const folder = import.meta.dirname
const mocha = fileURLToPath(new URL("../node_modules/mocha/bin/mocha.js", import.meta.url))

const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".test.ts"))
const shards = await shardsOf(names.map((name) => join(folder, name)))
const codes = await Promise.all(shards.map(run))
process.exitCode = Math.max(...codes)

/** Long files are shared out first, so that no shard has all of them. */
async function shardsOf(files: string[]): Promise<string[][]> {
  const sized = await Promise.all(files.map(async (file) => ({ file, size: (await stat(file)).size })))
  sized.sort((a, b) => b.size - a.size)
  return Array.from({ length: SHARDS }, (_, shard) =>
    sized.filter((_, place) => place % SHARDS === shard).map(({ file }) => file),
  )
}

async function run(files: string[], shard: number): Promise<number> {
  const child = spawn(process.execPath, [mocha, ...(process.stdout.isTTY ? ["--color"] : []), ...files], {
    cwd: join(folder, ".."),
    stdio: ["ignore", shard === 0 ? "inherit" : "pipe", "inherit"],
  })
  let report = ""
  child.stdout?.setEncoding("utf8").on("data", (chunk) => {
    report += chunk
  })
  const [code] = await once(child, "close")
  process.stdout.write(report)
  return code ?? 1
}
