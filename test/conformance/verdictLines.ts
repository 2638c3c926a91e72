import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import {
  chainFromDocument,
  JsonObject,
  parseJson,
  parseTime,
  type StoredTrust,
  verifyTrust,
} from "@trust-registry/eatp"
import { authorityMap, levelOf } from "./authorities.js"
import { stricterClass } from "./stricter.js"
import { judgeLater, type Outcome, optionalTextAt, same, textAt } from "./vectors.js"

/** The folder that holds chains.verdicts.jsonl: the given one, or the one above it; undefined: neither. */
export function verdictsFolder(directory: string): string | undefined {
  return [directory, join(directory, "..")].find((folder) =>
    existsSync(join(folder, "chains.verdicts.jsonl")),
  )
}

/**
 * chains.verdicts.jsonl: what VERIFY answers about the chains of chains.jsonl, with the keys of
 * authorities.json.
 */
export async function* verdictLines(folder: string): AsyncIterable<Outcome> {
  const chains = readChains(folder)
  const authorities = authorityMap(
    parseJson(readFileSync(join(folder, "authorities.json"), "utf8")) as JsonObject[],
  )
  for (const line of readLines(join(folder, "chains.verdicts.jsonl"))) {
    const [agentId, action, level] = [textAt(line, "agent_id"), textAt(line, "action"), textAt(line, "level")]
    yield judgeLater(`${agentId} ${action} ${level}`, async () => {
      const request = { agentId, action, level: levelOf(level) }
      const verdict = await verifyTrust({ request, nowMicros: NOW, chains, authorities })
      const stricter = line.get("valid") === true ? stricterClass(verdict) : undefined
      if (stricter !== undefined) return stricter
      same("valid", verdict.valid, line.get("valid"))
      same("reason", verdict.reasonText, optionalTextAt(line, "reason"))
      same("capability_used", verdict.capabilityUsed, optionalTextAt(line, "capability_used"))
      const constraints = JSON.stringify(line.get("effective_constraints"))
      same("effective_constraints", JSON.stringify(verdict.effectiveConstraints), constraints)
      return undefined
    })
  }
}

// A working hour before any of the chains expires.
const NOW = parseTime("2026-09-01T12:00:00+00:00")?.utcMicros ?? 0n

function readChains(folder: string): Map<string, StoredTrust> {
  return new Map(
    readLines(join(folder, "chains.jsonl")).map((document) => {
      const { chain } = chainFromDocument(document)
      return [chain.genesis?.agentId ?? "", { chain, active: true }]
    }),
  )
}

function readLines(path: string): JsonObject[] {
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean)
  return lines.map((line) => parseJson(line)).filter((value) => value instanceof JsonObject)
}
