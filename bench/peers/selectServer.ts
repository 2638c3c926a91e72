// The limit for GetChain from the database, in the way most services read: a grpc-js handler with one select by key per call
// that returns the stored bytes. selectServer.ts METHOD CONNECTION (JSON)
import { fromBinary } from "@bufbuild/protobuf"
import { GetChainRequestSchema } from "@trust-registry/proto"
import postgres from "postgres"
import { serveBare } from "./serveBare.js"

const [method = "", connection = ""] = process.argv.slice(2)
// As many connections as the registry has.
const sql = postgres({ ...(JSON.parse(connection) as object), max: 10, fetch_types: false })
await serveBare(method, async ({ request }, callback) => {
  const { agentId } = fromBinary(GetChainRequestSchema, request)
  const [row] = await sql<{ bytes: Buffer }[]>`select bytes from answers where agent_id = ${agentId}`
  callback(null, row?.bytes ?? null)
})
