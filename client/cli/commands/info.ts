import { toJson } from "@bufbuild/protobuf"
import { visible } from "@trust-registry/eatp"
import { type GetServerInfoResponse, GetServerInfoResponseSchema } from "@trust-registry/proto"
import { command } from "../command.js"
import { EXIT } from "../output/exit.js"
import { JSON_OPTIONS } from "../output/protoJson.js"
import { momentText } from "../output/records.js"

/** Prints what a registry reports about itself. */
export const info = command({
  args: "",
  arity: [0, 0],
  summary: "print what the registry says about itself: version, change feed, memory, history",
  details: "If several processes share the address, one of them responds; the next call may reach another.",
  examples: ["info", "info --json | jq .feed_revision"],
  flags: {},
  async run({ json, out, registry }) {
    const answer = await registry().getServerInfo({})
    if (json) await out.json(JSON.stringify(toJson(GetServerInfoResponseSchema, answer, JSON_OPTIONS)))
    else for (const line of linesOf(answer)) await out.line(visible(line))
    return EXIT.done
  },
})

function* linesOf(answer: GetServerInfoResponse) {
  const worker = answer.worker > 0 ? `, worker ${answer.worker}` : ""
  yield `version     ${answer.version}, schema ${answer.schemaVersion}, since ${momentText(answer.startedAt)}${worker}`
  yield `database    ${answer.databaseAvailable ? "available" : "not available"}`
  yield `feed        at revision ${answer.feedRevision} of ${answer.newestRevision}, ${ageText(answer)}`
  yield `memory      ${answer.cachedChains} chains, ${answer.cachedAuthorities} authorities; ${answer.memoryFresh ? "fresh" : "stale, reads go to the database"}`
  yield `history     ${answer.oldestRevision === undefined ? "unknown" : `from revision ${answer.oldestRevision} on`}`
}

function ageText({ feedAge }: GetServerInfoResponse) {
  if (!feedAge) return "not read yet"
  return `${(Number(feedAge.seconds) + feedAge.nanos / 1e9).toFixed(1)} s ago`
}
