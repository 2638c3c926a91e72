// Every test, two mocha processes at a time: much of the work waits for processes and time-outs. Each takes some files, and
// its report comes when it is done.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const AT_ONCE = 2
/** Each starts a PostgreSQL of its own, and the last ones to run should be short. */
const PARTS = 10
const folder = import.meta.dirname
const mocha = fileURLToPath(new URL("../node_modules/mocha/bin/mocha.js", import.meta.url))

const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".test.ts"))
const waiting = await partsOf(names.map((name) => join(folder, name)))
const lanes = Array.from({ length: AT_ONCE }, async () => {
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift())
    process.exitCode = Math.max(Number(process.exitCode ?? 0), await run(part))
})
await Promise.all(lanes)

/** Long files are dealt out first, so that no part has all of them. */
async function partsOf(files: string[]): Promise<string[][]> {
  const sized = await Promise.all(files.map(async (file) => ({ file, size: (await stat(file)).size })))
  sized.sort((a, b) => b.size - a.size)
  return Array.from({ length: PARTS }, (_, part) =>
    sized.filter((_, place) => place % PARTS === part).map(({ file }) => file),
  )
}

async function run(files: string[]): Promise<number> {
  const child = spawn(process.execPath, [mocha, ...(process.stdout.isTTY ? ["--color"] : []), ...files], {
    cwd: join(folder, ".."),
    stdio: ["ignore", "pipe", "inherit"],
  })
  let report = ""
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    report += chunk
  })
  const [code] = await once(child, "close")
  process.stdout.write(report)
  return code ?? 1
}
