import { toJson } from "@bufbuild/protobuf"
import { visible, visibleName, wordOf } from "@trust-registry/eatp"
import {
  ChainView,
  IntegrityCheckSchema,
  type IntegrityFinding,
  type VerifyChainIntegrityResponse,
  VerifyChainIntegrityResponseSchema,
} from "@trust-registry/proto"
import type { TrustRegistry } from "../../connect.js"
import { forEachAgent } from "../agents.js"
import { command, type Invocation } from "../command.js"
import { FILTER_FLAGS, filterOf } from "../flags/filterFlags.js"
import { EXIT, isRefusal } from "../output/exit.js"
import { progressOn } from "../output/progress.js"
import { JSON_OPTIONS } from "../output/protoJson.js"
import { forEachInPool } from "../pool.js"
import { UsageError } from "../usage.js"

const IN_FLIGHT = 16

/** Checks that stored chains match what was written. */
export const verify = command({
  args: "[AGENT...]",
  arity: [0, Infinity],
  summary: "check that stored chains match what was written",
  details:
    "Takes agents, or flags that select chains; --all alone checks every chain. Prints each failed check.",
  examples: ["verify agent-7", "verify --all", "verify --authority org-acme --json"],
  flags: FILTER_FLAGS,
  async run(invocation) {
    const filtered = Object.keys(invocation.values).some((name) => name in FILTER_FLAGS)
    if (filtered === invocation.args.length > 0) {
      throw new UsageError("name either agents or flags that select chains (--all: every chain)")
    }
    const registry = invocation.registry()
    if (filtered) return await verifyAll(invocation, registry)
    return await forEachAgent(invocation, async (agentId) => {
      const answer = await registry.verifyChainIntegrity({ agentId })
      await printResult(invocation, agentId, answer)
      if (answer.verified && !invocation.json) await invocation.out.line(`verified ${visibleName(agentId)}`)
      return answer.verified ? EXIT.done : EXIT.incomplete
    })
  },
})

type Outputs = Pick<Invocation, "json" | "out">

async function verifyAll(invocation: Invocation<typeof FILTER_FLAGS>, registry: TrustRegistry) {
  const { json, out, err, values } = invocation
  const progress = progressOn(err, "chains")
  const counts = { verified: 0, failed: 0 }
  await forEachInPool(registry.listChains({ filter: filterOf(values), view: ChainView.RECORD }), {
    limit: IN_FLIGHT,
    keyOf: ({ record }) => record?.agentId ?? "",
    async work({ record }) {
      const agentId = record?.agentId ?? ""
      const answer = await registry.verifyChainIntegrity({ agentId }).catch(ignorePurged)
      if (!answer) return
      counts[answer.verified ? "verified" : "failed"]++
      if (json || !answer.verified) {
        progress.clear()
        await printResult(invocation, agentId, answer)
      }
      progress.tick(counts.verified + counts.failed)
    },
  })
  progress.clear()
  if (!json) await out.line(`${counts.verified} verified, ${counts.failed} not verified`)
  return counts.failed === 0 ? EXIT.done : EXIT.incomplete
}

/** Ignores a chain that was purged since it was listed. */
function ignorePurged(error: unknown): undefined {
  if (!isRefusal(error)) throw error
}

async function printResult({ json, out }: Outputs, agentId: string, answer: VerifyChainIntegrityResponse) {
  if (json) return await out.json(answerJson(answer))
  const failed = answer.findings.filter(({ passed }) => !passed)
  for (const finding of failed) await out.line(failedText(agentId, finding))
  if (!answer.verified && failed.length === 0) await out.line(`not verified ${visibleName(agentId)}`)
}

function answerJson(answer: VerifyChainIntegrityResponse) {
  return JSON.stringify(toJson(VerifyChainIntegrityResponseSchema, answer, JSON_OPTIONS))
}

function failedText(agentId: string, { check, path, expected, found, detail }: IntegrityFinding) {
  const name = wordOf(IntegrityCheckSchema, check) ?? "unknown"
  const values = expected || found ? ` (expected ${expected || "nothing"}, found ${found || "nothing"})` : ""
  const where = path ? ` ${path}` : ""
  return visible(`not verified ${visibleName(agentId)}: ${name}${where}: ${detail}${values}`)
}
