// Loaded into a registry with --import: on SIGUSR2 it collects garbage and writes the memory use to the file in HEAP_FILE.
// Requires --expose-gc.
import { renameSync, writeFileSync } from "node:fs"

const file = process.env.HEAP_FILE ?? ""
process.on("SIGUSR2", () => {
  globalThis.gc?.()
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage()
  writeFileSync(`${file}.new`, JSON.stringify({ heapUsed, external, arrayBuffers, rss }))
  renameSync(`${file}.new`, file)
})
