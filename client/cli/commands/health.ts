import { command } from "../command.js"
import { EXIT } from "../output/exit.js"

/** Asks whether a registry is serving. */
export const health = command({
  args: "[SERVICE]",
  arity: [0, 1],
  summary: "ask whether the registry, or one of its services, is serving",
  examples: ["health", "health trustregistry.v1.TrustStoreService"],
  flags: {},
  async run({ args, json, out, registry }) {
    const status = await registry().checkHealth(args[0])
    if (json) await out.json(JSON.stringify({ status }))
    else await out.line(status)
    if (status === "SERVING") return EXIT.done
    return status === "SERVICE_UNKNOWN" ? EXIT.notFound : EXIT.unavailable
  },
})
