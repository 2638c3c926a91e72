import type { Config } from "@trust-registry/server"
import { connectTo } from "./calls.js"
import { startRegistry, type TestRegistry } from "./server.js"

type Line = ReturnType<typeof connectTo>

/** Starts a registry and a connection to it before the tests of a suite, and stops both after them. */
export function withRegistry(changes?: Partial<Config>): { registry: TestRegistry; line: Line } {
  return during(before, after, changes)
}

/** Like {@link withRegistry}, but with a new registry for each test. */
export function withRegistryForEach(changes?: Partial<Config>): { registry: TestRegistry; line: Line } {
  return during(beforeEach, afterEach, changes)
}

function during(begin: Mocha.HookFunction, end: Mocha.HookFunction, changes?: Partial<Config>) {
  let running: { registry: TestRegistry; line: Line } | undefined
  begin(async () => {
    const registry = await startRegistry(changes)
    running = { registry, line: connectTo(registry.address) }
  })
  end(async () => {
    running?.line.close()
    await running?.registry.stop()
    running = undefined
  })
  const current = () => {
    if (!running) throw new Error("no test runs")
    return running
  }
  return { registry: standIn(() => current().registry), line: standIn(() => current().line) }
}

/** Forwards each member to the current object, so that a suite can destructure it before it exists. */
function standIn<T extends object>(current: () => T): T {
  // The cast is safe: nothing reads the target.
  return new Proxy({} as T, { get: (_, name) => Reflect.get(current(), name) })
}
