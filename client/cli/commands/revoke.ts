import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt"
import { quoted, wordsOf } from "@trust-registry/eatp"
import { type Revocation, RevocationMode, RevocationModeSchema } from "@trust-registry/proto"
import type { TrustRegistry } from "../../connect.js"
import { type Command, command, type Flag, type Invocation, type Values } from "../command.js"
import { type ErrorReport, errorReportOf, reportError } from "../errorReport.js"
import { momentOf } from "../flags/filterFlags.js"
import { wordFlag } from "../flags/makeFlags.js"
import { EXIT, exitCodeOf } from "../output/exit.js"
import { printRevocation } from "../revocationOutput.js"
import { UsageError } from "../usage.js"

const REASON_FLAG = {
  reason: { type: "string", value: "TEXT", help: "the reason, for the record" },
} as const satisfies Record<string, Flag>

const MODE_FLAGS = {
  mode: {
    type: "string",
    value: "MODE",
    help: `${wordsOf(RevocationModeSchema).join(", ")} (default: immediate; only suspend can be lifted)`,
  },
  at: { type: "string", value: "TIME", help: "when it takes effect (ISO 8601; with --mode graceful)" },
  ...REASON_FLAG,
} as const satisfies Record<string, Flag>

/** Revokes an agent. */
export const revokeAgent = cascade({
  args: "AGENT",
  arity: [1, 1],
  summary: "revoke an agent and every agent that its trust came down to",
  details:
    "The registry must know the agent: its chain is or was stored, or a stored chain names it as delegator.",
  examples: [
    'revoke agent agent-7 --reason "key was stolen"',
    "revoke agent agent-7 --mode suspend",
    "revoke agent agent-7 --mode graceful --at 2030-01-31T00:00:00Z",
  ],
  revoke: (registry, [agentId = ""], how) => registry.revokeAgent({ agentId, ...how }),
})

/** Revokes a delegation. */
export const revokeDelegation = cascade({
  args: "AGENT DELEGATION",
  arity: [2, 2],
  summary: "revoke a delegation and what its delegatee passed on of it",
  details: "AGENT is the delegatee, whose chain contains the delegation.",
  examples: ["revoke delegation agent-7 del-12"],
  revoke: (registry, [agentId = "", delegationId = ""], how) =>
    registry.revokeDelegation({ agentId, delegationId, ...how }),
})

/** Revokes a capability. */
export const revokeCapability = cascade({
  args: "AGENT CAPABILITY",
  arity: [2, 2],
  summary: "revoke a capability, also where it was delegated to others",
  details:
    "CAPABILITY is the id of the attestation in the agent's chain, or the capability's name if the chain has it once. Other " +
    "capabilities are not affected.",
  examples: ["revoke capability agent-7 cap-read_data", "revoke capability agent-7 read_data"],
  revoke: async (registry, [agentId = "", named = ""], how) =>
    registry.revokeCapability({
      agentId,
      capabilityId: await capabilityIdOf(registry, agentId, named),
      ...how,
    }),
})

/** The id of a capability by its id or its name; what the chain does not have is for the registry to refuse. */
async function capabilityIdOf(registry: TrustRegistry, agentId: string, named: string): Promise<string> {
  const consistency = { requirement: { case: "strong" as const, value: true } }
  // A chain that cannot be read can still be revoked from, by the id.
  const stored = await registry
    .getChain({ agentId, includeInactive: true, consistency })
    .catch(() => undefined)
  const capabilities = stored?.chain?.capabilities ?? []
  if (capabilities.some(({ id }) => id === named)) return named
  const ids = capabilities.filter(({ capability }) => capability === named).map(({ id }) => id)
  if (ids.length > 1)
    throw new UsageError(
      `agent ${quoted(agentId)} has ${quoted(named)} more than once, say which: ${ids.map(quoted).join(", ")}`,
    )
  return ids[0] ?? named
}

/** Revokes a key of an authority. */
export const revokeKey = command({
  args: "AUTHORITY KEY",
  arity: [2, 2],
  summary: "revoke a key of an authority for good",
  details:
    "KEY is the id of the key. A revoked key verifies nothing; with --compromised-at it still verifies what is dated and was " +
    "first stored before that time.",
  examples: [
    "revoke key org-acme key-2026",
    'revoke key org-acme key-2026 --compromised-at 2026-10-01T00:00:00Z --reason "laptop was lost"',
  ],
  flags: {
    "compromised-at": {
      type: "string",
      value: "TIME",
      help: "since when others may have the key (ISO 8601; default: unknown)",
    },
    ...REASON_FLAG,
  },
  async run(invocation) {
    const [authorityId = "", keyId = ""] = invocation.args
    const compromisedAt = momentOf(invocation.values, "compromised-at")
    if (compromisedAt && timestampMs(compromisedAt) > Date.now())
      throw new UsageError(
        "--compromised-at is in the future: what the key signs until then would still verify",
      )
    const { reason = "" } = invocation.values
    const request = { authorityId, keyId, reason, ...(compromisedAt ? { compromisedAt } : {}) }
    return await printResult(invocation, { authorityId }, invocation.registry().revokeKey(request))
  },
})

/** The mode, time and reason that {@link MODE_FLAGS} give. */
interface How {
  mode: RevocationMode
  effectiveAt?: Timestamp
  reason: string
}

type Answer = Promise<{ revocation?: Revocation | undefined }>

type Cascade = Pick<Command, "args" | "arity" | "summary" | "details" | "examples"> & {
  revoke(registry: TrustRegistry, args: string[], how: How): Answer
}

/** Defines a command that revokes a record of an agent and everything that descends from it. */
function cascade({ revoke, ...words }: Cascade): Command {
  return command({
    ...words,
    flags: MODE_FLAGS,
    async run(invocation) {
      const { args, values } = invocation
      const how = howOf(values)
      return await printResult(invocation, { agentId: args[0] }, revoke(invocation.registry(), args, how))
    },
  })
}

function howOf(values: Values<typeof MODE_FLAGS>): How {
  const mode = wordFlag(RevocationModeSchema, "mode", values.mode ?? "immediate") as RevocationMode
  const effectiveAt = momentOf(values, "at")
  if (effectiveAt && mode !== RevocationMode.GRACEFUL) throw new UsageError("--at requires --mode graceful")
  if (!effectiveAt && mode === RevocationMode.GRACEFUL) throw new UsageError("--mode graceful requires --at")
  if (effectiveAt && timestampMs(effectiveAt) <= Date.now())
    throw new UsageError("--at is in the past: use --mode immediate to revoke now")
  return { mode, reason: values.reason ?? "", ...(effectiveAt ? { effectiveAt } : {}) }
}

async function printResult(
  outputs: Pick<Invocation, "json" | "out" | "err">,
  about: Pick<ErrorReport, "agentId" | "authorityId">,
  answer: Answer,
): Promise<number> {
  try {
    await printRevocation(outputs, "revoked", (await answer).revocation)
    return EXIT.done
  } catch (error) {
    await reportError(outputs, errorReportOf(error, about))
    return exitCodeOf(error)
  }
}
