// The limit for GetChain from memory: a grpc-js server with the registry's options that answers every call with the same bytes.
// bareServer.ts METHOD FILE
import { readFileSync } from "node:fs"
import type * as grpc from "@grpc/grpc-js"
import { serveBare } from "./serveBare.js"

const [method = "", file = ""] = process.argv.slice(2)
const answer = readFileSync(file)
await serveBare(method, (_call: unknown, callback: grpc.sendUnaryData<Buffer>) => callback(null, answer))
