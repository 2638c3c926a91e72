import { isUuid } from "@trust-registry/eatp"
import { command } from "../command.js"
import { EXIT } from "../output/exit.js"
import { printRecords, printRevocation } from "../revocationOutput.js"
import { UsageError } from "../usage.js"

const LARGEST_PAGE = 500

/** Lists revoked records. */
export const revocations = command({
  args: "",
  arity: [0, 0],
  summary: "list revoked records, the last revoked first",
  details: "Lists all of them without a condition, lifted suspensions included.",
  examples: ["revocations --standing", "revocations --agent agent-7 --json"],
  flags: {
    agent: { type: "string", value: "ID", help: "revocations of this agent, or of records in its chain" },
    authority: { type: "string", value: "ID", help: "revoked keys of this authority" },
    revocation: { type: "string", value: "UUID", help: "the records of this revocation" },
    standing: { type: "boolean", help: "omit lifted suspensions" },
  },
  async run(invocation) {
    const { agent, authority, revocation, standing } = invocation.values
    if (agent && authority) throw new UsageError("--agent and --authority cannot be combined")
    if (revocation) assertUuid("--revocation", revocation)
    const request = {
      agentId: agent ?? "",
      authorityId: authority ?? "",
      revocationId: revocation ?? "",
      standingOnly: standing === true,
      pageSize: LARGEST_PAGE,
    }
    for await (const { records } of invocation.registry().listRevokedRecords(request).pages())
      await printRecords(invocation, records)
    return EXIT.done
  },
})

/** Lifts a suspension. */
export const liftSuspension = command({
  args: "REVOCATION",
  arity: [1, 1],
  summary: "lift a suspension, for every record that it suspended",
  details:
    "REVOCATION is the id that `revoke --mode suspend` and `revocations` print. Other revocations of the same records remain.",
  examples: ["lift-suspension 0b54e4a5-2f64-4c1e-9f0c-8d2cbbf4f6f3"],
  flags: {},
  async run(invocation) {
    const [revocationId = ""] = invocation.args
    assertUuid("REVOCATION", revocationId)
    const registry = invocation.registry()
    const before = await registry.listRevokedRecords({ revocationId, standingOnly: true, pageSize: 1 }).page()
    const { revocation } = await registry.liftSuspension({ revocationId })
    await printRevocation(invocation, "lifted", revocation, before.records.length > 0)
    return EXIT.done
  },
})

function assertUuid(name: string, text: string) {
  if (!isUuid(text))
    throw new UsageError(`${name} must be a UUID: the id of a revocation, as \`revocations\` prints it`)
}
