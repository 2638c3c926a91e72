import { chainHash, constraintHash, contentHash, visibleName } from "@trust-registry/eatp"
import type { TrustLineageChain } from "@trust-registry/proto"
import { command } from "../command.js"
import { openDocuments } from "../documents/documents.js"
import { documentErrorReport, reportError } from "../errorReport.js"
import { EXIT } from "../output/exit.js"

/** Computes the hashes of documents without a registry. */
export const hash = command({
  args: "[FILE...]",
  arity: [0, Infinity],
  summary: "print the hashes of EATP documents; offline",
  details:
    "Reads files, or standard input without FILE or with `-`. Compares a chain_hash in the document with its own.",
  examples: ["hash chain.json", "get agent-7 --address registry:50051 | trust-registry hash"],
  flags: {},
  offline: true,
  async run(invocation) {
    const { json, out, args } = invocation
    let exitCode: number = EXIT.done
    const files = await openDocuments(args, { some: true })
    for await (const document of files.read()) {
      if (document.chain === undefined) {
        exitCode = EXIT.incomplete
        await reportError(invocation, documentErrorReport(document))
        continue
      }
      const { chain, chainHash: stated } = document
      const hashes = hashesOf(chain)
      const agentId = chain.genesis?.agentId ?? ""
      if (json) await out.json(JSON.stringify({ agent_id: agentId, ...hashes }))
      else for (const line of hashLines(agentId, hashes)) await out.line(line)
      if (stated !== undefined && stated !== hashes.chain_hash) {
        exitCode = EXIT.incomplete
        const message = `the document has another chain_hash: ${stated}`
        await reportError(invocation, {
          ...documentErrorReport(document, new Error(message)),
          reason: "CHAIN_HASH",
        })
      }
    }
    return exitCode
  },
})

function hashesOf(chain: TrustLineageChain) {
  return {
    chain_hash: chainHash(chain),
    content_hash: contentHash(chain),
    constraint_hash: constraintHash(chain.constraintEnvelope?.activeConstraints ?? []),
  }
}

function hashLines(agentId: string, hashes: ReturnType<typeof hashesOf>) {
  const rows = Object.entries(hashes).map(([name, value]) => `  ${name.padEnd(15)}  ${value || "-"}`)
  return [visibleName(agentId), ...rows]
}
