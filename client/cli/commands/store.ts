import type { Timestamp } from "@bufbuild/protobuf/wkt"
import { visibleName } from "@trust-registry/eatp"
import { type ChainRecord, SignatureStatus, type TrustLineageChain } from "@trust-registry/proto"
import type { TrustRegistry } from "../../connect.js"
import { command, type Flag, type Invocation } from "../command.js"
import { openDocuments, type ReadDocument } from "../documents/documents.js"
import { documentErrorReport, reportError } from "../errorReport.js"
import { momentOf } from "../flags/filterFlags.js"
import { EXPIRY_FLAG, expectedRevision, REVISION_FLAG } from "../flags/writeFlags.js"
import { EXIT, exitCodeOf } from "../output/exit.js"
import { recordJson } from "../output/records.js"

const FLAGS = {
  ...REVISION_FLAG,
  ...EXPIRY_FLAG,
  "allow-unverified": {
    type: "boolean",
    help: "the chain may replace a VERIFIED one although not all of its signatures can be checked",
  },
  "allow-new-authority": {
    type: "boolean",
    help: "the chain may have another genesis authority than the stored one",
  },
} as const satisfies Record<string, Flag>

/** Stores the documents of files, one by one. */
export const store = command({
  args: "[FILE...]",
  arity: [0, Infinity],
  summary: "store chains from EATP documents, replacing the stored ones",
  details: "Reads files, or standard input without FILE or with `-`. Stops at the first refused document.",
  examples: ["store chain.json", "store --expected-revision 0 new-agent.json", "store < chain.json"],
  flags: FLAGS,
  run: (invocation) =>
    writeEach(invocation, async (registry, { chain, ...rest }) => {
      const { record, created } = await registry.storeChain({ chain, ...rest })
      return { record, verb: created ? "created" : "updated" }
    }),
})

/** Replaces stored chains with the documents of files, one by one. */
export const update = command({
  args: "[FILE...]",
  arity: [0, Infinity],
  summary: "replace stored chains with EATP documents; never create one",
  details: "Reads files, or standard input without FILE or with `-`. Stops at the first refused document.",
  examples: ["update chain.json", "update --expected-revision 17 chain.json"],
  flags: FLAGS,
  run: (invocation) =>
    writeEach(invocation, async (registry, { chain, ...rest }) => {
      const agentId = chain.genesis?.agentId ?? ""
      const { record } = await registry.updateChain({ agentId, chain, ...rest })
      return { record, verb: "updated" }
    }),
})

interface Write {
  chain: TrustLineageChain
  chainHash: string
  expiresAt?: Timestamp
  expectedRevision?: bigint
  allowUnverified: boolean
  allowNewAuthority: boolean
}

type WriteOne = (
  registry: TrustRegistry,
  write: Write,
) => Promise<{ record: ChainRecord | undefined; verb: string }>

async function writeEach(invocation: Invocation<typeof FLAGS>, writeOne: WriteOne): Promise<number> {
  const { args, values } = invocation
  const expiresAt = momentOf(values, "expires-at")
  const conditions = {
    ...(expiresAt ? { expiresAt } : {}),
    ...expectedRevision(values),
    allowUnverified: values["allow-unverified"] ?? false,
    allowNewAuthority: values["allow-new-authority"] ?? false,
  }
  const files = await openDocuments(args, { some: true })
  const registry = invocation.registry()
  for await (const document of files.read()) {
    if (document.chain === undefined) return await refuse(invocation, document)
    try {
      const { chain, chainHash = "" } = document
      const { record, verb } = await writeOne(registry, { chain, chainHash, ...conditions })
      await printResult(invocation, verb, record)
    } catch (error) {
      return await refuse(invocation, document, error)
    }
  }
  return EXIT.done
}

async function printResult(
  { json, out }: Invocation<typeof FLAGS>,
  verb: string,
  record: ChainRecord | undefined,
) {
  if (json) await out.json(JSON.stringify({ [verb]: true, record: recordJson(record) }))
  else {
    const unverified = record?.signatureStatus === SignatureStatus.UNVERIFIED
    const text = `${verb} ${visibleName(record?.agentId ?? "")} at revision ${record?.revision}`
    await out.line(unverified ? `${text}; UNVERIFIED: some signatures could not be checked` : text)
  }
}

async function refuse(invocation: Invocation<typeof FLAGS>, document: ReadDocument, error?: unknown) {
  await reportError(invocation, documentErrorReport(document, error))
  return error === undefined ? EXIT.refused : exitCodeOf(error)
}
