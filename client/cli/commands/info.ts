import { toJson } from "@bufbuild/protobuf"
import { type GetServerInfoResponse, GetServerInfoResponseSchema } from "@trust-registry/proto"
import { command } from "../command.js"
import { EXIT } from "../output/exit.js"
import { momentText } from "../output/records.js"
import { visible } from "../output/visible.js"

/** Tells what a registry says of itself. */
export const info = command({
  args: "",
  arity: [0, 0],
  summary: "show what the registry says of itself: version, change feed, memory, history",
  details: "Of several processes behind one address one answers; the next call may meet another.",
  examples: ["info", "info --json | jq .feed_revision"],
  flags: {},
  async run({ json, out, registry }) {
    const answer = await registry().getServerInfo({})
    if (json) await out.json(JSON.stringify(toJson(GetServerInfoResponseSchema, answer, JSON_OPTIONS)))
    else for (const line of linesOf(answer)) await out.line(visible(line))
    return EXIT.done
  },
})

const JSON_OPTIONS = { useProtoFieldName: true, alwaysEmitImplicit: true }

function* linesOf(answer: GetServerInfoResponse) {
  const worker = answer.worker > 0 ? `, worker ${answer.worker}` : ""
  yield `version     ${answer.version}, schema ${answer.schemaVersion}, since ${momentText(answer.startedAt)}${worker}`
  yield `database    ${answer.databaseAvailable ? "available" : "not available"}`
  yield `feed        at revision ${answer.feedRevision} of ${answer.newestRevision}, ${ageText(answer)}`
  yield `memory      ${answer.cachedChains} chains, ${answer.cachedAuthorities} authorities; ${answer.memoryFresh ? "fresh" : "too old, reads go to the database"}`
  yield `history     ${answer.oldestRevision === undefined ? "unknown" : `from revision ${answer.oldestRevision} on`}`
}

function ageText({ feedAge }: GetServerInfoResponse) {
  if (!feedAge) return "never asked yet"
  return `${(Number(feedAge.seconds) + feedAge.nanos / 1e9).toFixed(1)} s ago`
}
