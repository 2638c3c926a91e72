import { readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import type { Lab, Registry, RegistryOptions } from "../lab.js"

/** The memory of a process after garbage collection, in bytes. */
export interface Heap {
  readonly heapUsed: number
  /** Memory outside the heap, buffers included. */
  readonly external: number
  readonly arrayBuffers: number
  readonly rss: number
}

/** Starts a registry whose memory use can be read. */
export async function watchedRegistry(
  lab: Lab,
  options: RegistryOptions,
): Promise<Registry & { heap(): Promise<Heap> }> {
  const file = join(lab.folder, "heap")
  const registry = await lab.registry({
    ...options,
    settings: { ...options.settings, HEAP_FILE: file },
    nodeArgs: ["--expose-gc", "--import", "tsx", "--import", join(import.meta.dirname, "heapProbe.ts")],
  })
  const heap = async () => {
    await rm(file, { force: true })
    process.kill(registry.pid, "SIGUSR2")
    const giveUpAt = performance.now() + ANSWER_MS
    for (;;) {
      const text = await readFile(file, "utf8").catch(() => "")
      if (text !== "") return JSON.parse(text) as Heap
      if (performance.now() > giveUpAt) throw new Error("the registry did not report its memory use")
      await delay(10)
    }
  }
  return { ...registry, heap }
}

const ANSWER_MS = 10_000
