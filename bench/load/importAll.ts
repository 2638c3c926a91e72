// Sends all chains of a file (writeBodies) through one ImportChains and reads all answers. `importAll.ts ADDRESS FILE` prints
// the number stored per second.
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { create } from "@bufbuild/protobuf"
import * as grpc from "@grpc/grpc-js"
import {
  decode,
  encode,
  ImportChainsRequestSchema,
  ImportChainsResponseSchema,
  StoreChainRequestSchema,
} from "@trust-registry/proto"
import { readBodies } from "./bodies.js"
import { IMPORT_CHAINS } from "./registryCalls.js"

const [address = "", file = ""] = process.argv.slice(2)
const PREFIX = 5
const chains = readBodies(readFileSync(file)).map((body) => importRequest(body.subarray(PREFIX)))
const bytes = (value: Buffer) => value
const client = new grpc.Client(address, grpc.credentials.createInsecure())
await new Promise<void>((resolve, reject) =>
  client.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve())),
)

const began = performance.now()
const call = client.makeBidiStreamRequest(IMPORT_CHAINS, bytes, bytes)
const [stored] = await Promise.all([answers(), requests()])
const seconds = (performance.now() - began) / 1000
if (stored !== chains.length) throw new Error(`${stored} of ${chains.length} chains were stored`)
process.stdout.write(JSON.stringify({ perSecond: stored / seconds }))
client.close()

function importRequest(store: Buffer) {
  const request = decode(StoreChainRequestSchema, store)
  return encode(ImportChainsRequestSchema, create(ImportChainsRequestSchema, { request }))
}

async function requests() {
  for (const chain of chains) if (!call.write(chain)) await once(call, "drain")
  call.end()
}

async function answers() {
  let count = 0
  for await (const answer of call as AsyncIterable<Buffer>)
    if (decode(ImportChainsResponseSchema, answer).result?.result.case === "stored") count++
  return count
}
