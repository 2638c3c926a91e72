import {
  chainFromDocument,
  type Json,
  JsonObject,
  jsonText,
  parseJson,
  parseTime,
  type SignedLedger,
  type StoredTrust,
  type TrustInput,
  type TrustOptions,
  type TrustVerdict,
  type TrustViolation,
  verifyTrust,
} from "@trust-registry/eatp"
import { authorityMap, levelOf } from "./authorities.js"
import { eventOf, headOf } from "./ledgerVectors.js"
import { stricterClass } from "./stricter.js"
import {
  type Checker,
  judgeLater,
  nameOf,
  objectAt,
  objectsAt,
  optionalTextAt,
  same,
  textAt,
} from "./vectors.js"

/**
 * verification.json: the verdicts of VERIFY. Where a case has an upstream_quirk, or the reference
 * implementation fails, we need not agree, but then we deny: the note tells our answer. Where a rule of ours alone denies, the
 * note tells its class.
 */
export const verification: Checker = async function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judgeLater(nameOf(vector, index), () => check(vector))
  }
}

async function check(vector: JsonObject): Promise<string | undefined> {
  const verdict = await verifyTrust(inputOf(vector))
  const expected = objectAt(vector, "expected")
  const stricter = expected.get("valid") === true ? stricterClass(verdict) : undefined
  if (stricter !== undefined) return stricter
  if (optionalTextAt(vector, "upstream_quirk") === undefined && !expected.has("raises")) {
    sameVerdict(verdict, expected)
    return undefined
  }
  const difference = differenceOf(verdict, expected)
  if (difference !== undefined && verdict.valid) throw new Error(`Not stricter: ${difference}`)
  const answer = verdict.valid ? "valid" : `${verdict.reason}: ${verdict.reasonText}`
  return `${answer}${difference === undefined ? " (as the reference)" : ""}`
}

function differenceOf(verdict: TrustVerdict, expected: JsonObject): string | undefined {
  try {
    sameVerdict(verdict, expected)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function sameVerdict(verdict: TrustVerdict, expected: JsonObject): void {
  const found = new JsonObject([
    ["valid", verdict.valid],
    ["level", verdict.level],
    ["reason", verdict.reasonText ?? null],
    ["capability_used", verdict.capabilityUsed ?? null],
    ["effective_constraints", verdict.effectiveConstraints],
    ["violations", verdict.violations.map(violationOf)],
    ["reasoning_present", verdict.reasoningPresent ?? null],
    ["reasoning_verified", verdict.reasoningVerified ?? null],
  ])
  for (const [key, value] of found) same(key, jsonText(value), jsonText(expected.get(key) ?? null))
}

function violationOf({ constraint, source, reason, severity }: TrustViolation): Json {
  if (severity === "warning") {
    return new JsonObject(Object.entries({ constraint_type: constraint, severity, reason }))
  }
  const key = source === "envelope" && constraint === "envelope" ? "constraint" : "constraint_value"
  return new JsonObject(Object.entries({ [key]: constraint, reason }))
}

function inputOf(vector: JsonObject): TrustInput {
  const request = objectAt(vector, "request")
  const options = objectAt(vector, "options")
  const revocation = vector.get("revocation")
  return {
    request: {
      agentId: textAt(request, "agent_id"),
      action: textAt(request, "action"),
      resource: optionalTextAt(request, "resource"),
      level: levelOf(textAt(request, "level")),
      context: contextOf(request.get("context") ?? null),
    },
    nowMicros: parseTime(textAt(vector, "now"))?.utcMicros ?? 0n,
    chains: chainsOf(vector),
    authorities: authorityMap(objectsAt(vector, "authorities")),
    options: optionsOf(options),
    ...(revocation instanceof JsonObject ? { ledger: ledgerOf(revocation) } : {}),
  }
}

function optionsOf(options: JsonObject): TrustOptions {
  return {
    allowUnsignedChainState: options.get("allow_unsigned_chain_state") === true,
    allowUnboundLegacyCapabilities: options.get("allow_unbound_legacy_capabilities") === true,
  }
}

function chainsOf(vector: JsonObject): Map<string, StoredTrust> {
  const inactive = vector.get("inactive_agents") as string[]
  const documents = parseJson(textAt(vector, "chains_json")) as JsonObject[]
  return new Map(
    documents.map((document) => {
      const { chain } = chainFromDocument(document)
      const agentId = chain.genesis?.agentId ?? ""
      return [agentId, { chain, active: !inactive.includes(agentId) }]
    }),
  )
}

// A Python datetime is written {"$datetime": iso}; to us a time is its text.
function contextOf(context: Json): JsonObject | undefined {
  if (!(context instanceof JsonObject)) return undefined
  const members = [...context].map(([key, value]): [string, Json] => {
    const time = value instanceof JsonObject ? value.get("$datetime") : undefined
    return [key, time ?? value]
  })
  return new JsonObject(members)
}

function ledgerOf(revocation: JsonObject): SignedLedger {
  return {
    events: objectsAt(revocation, "events").map(eventOf),
    head: headOf(objectAt(revocation, "head")),
    headSignature: textAt(revocation, "head_signature_hex"),
    ownerPublicKey: textAt(revocation, "owner_public_key_hex"),
  }
}
