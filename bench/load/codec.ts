// Encodes or decodes a usual chain in a loop, on one thread. `codec.ts ROOT SECONDS NAME` prints the iterations per second of CPU
// time, with the `proto` package of that checkout.
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { create, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf"
import {
  StoreChainRequestSchema,
  StoredChainSchema,
  TrustLineageChainSchema as schema,
} from "@trust-registry/proto"
import { agentAt, usualChain } from "./chains.js"

const [root = "", seconds = "", name = ""] = process.argv.slice(2)
const load = (file: string) => import(pathToFileURL(join(root, "proto", "dist", "codec", file)).href)
const { decodeMessage } = await load("decoder.js")
const { encodeMessage } = await load("encoder.js")
const { encodeJsonField } = await load("jsonEncoder.js")
const { sortedJson } = await load("sortedJson.js")

const chain = await usualChain(agentAt(0))
const request = create(StoreChainRequestSchema, { chain })
const bytes = Buffer.from(toBinary(StoreChainRequestSchema, request))
const json = toJson(schema, chain, { useProtoFieldName: true })
const nothing = Buffer.alloc(0)

const ways: Record<string, () => unknown> = {
  decodeMessage: () => decodeMessage(StoreChainRequestSchema, bytes),
  fromBinary: () => fromBinary(StoreChainRequestSchema, bytes),
  encodeMessage: () => encodeMessage(StoreChainRequestSchema, request),
  toBinary: () => toBinary(StoreChainRequestSchema, request),
  encodeJsonField: () => encodeJsonField(StoredChainSchema.field.chain, json, nothing),
  "fromJson, encodeMessage": () => encodeMessage(schema, fromJson(schema, json)),
  sortedJson: () => sortedJson(schema, chain),
  "toJson, sorted": () => sortedText(toJson(schema, chain, { useProtoFieldName: true })),
}

function sortedText(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map(sortedText)}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const pairs = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${sortedText(value[key])}`)
  return `{${pairs}}`
}

const way = ways[name]
if (way === undefined) throw new Error(`unknown name ${name}; use one of ${Object.keys(ways).join(", ")}`)
goOn(Number(seconds) * 250)
const before = cpuMs()
const times = goOn(Number(seconds) * 1000)
process.stdout.write(JSON.stringify({ perSecond: (times * 1000) / (cpuMs() - before) }))

function goOn(ms: number): number {
  const end = cpuMs() + ms
  let times = 0
  for (; cpuMs() < end; times += 100) for (let index = 0; index < 100; index++) way?.()
  return times
}

/** CPU time, which other load on the machine hardly affects. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
