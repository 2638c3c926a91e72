import type { GenesisRecord } from "@trust-registry/proto"
import { type Json, JsonObject } from "../json/json.js"
import { parseSteps } from "../json/parseJson.js"
import { itemsOf, memberOr } from "../python/pythonValues.js"
import type { Question } from "./question.js"

/** The constraints in a genesis record's metadata. Throws where Python would: such metadata cannot be evaluated. */
export function* genesisConstraints({ metadataJson }: GenesisRecord): Generator<void, Json[]> {
  const metadata = metadataJson === undefined ? new JsonObject() : yield* parseSteps(metadataJson)
  // As Python's for does: a string yields its characters, and what is not iterable throws, which denies.
  return itemsOf(memberOr(metadata, "constraints", []))
}

/** The same for the agent in question, read once. */
export function* ownGenesisConstraints(question: Question): Generator<void, Json[]> {
  question.genesisConstraints ??= yield* genesisConstraints(question.genesis)
  return question.genesisConstraints
}
