import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { ListenAddress } from "./config/values.js"
import type { Log } from "./log.js"

/** Serves metrics over HTTP. Resolves to the function that stops it; throws an Error that names the address if it is in use. */
export async function serveMetrics(
  { host, port }: ListenAddress,
  text: () => Promise<string>,
  log: Log,
): Promise<() => Promise<void>> {
  const server = createServer(async ({ url = "", method }, response) => {
    if (method !== "GET" || url.split("?")[0] !== "/metrics")
      return response.writeHead(404).end("see /metrics\n")
    try {
      const body = await text()
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(body)
    } catch (err) {
      log.warn({ err }, "the metrics could not be collected")
      response.writeHead(503).end()
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const why = `${cause.message}; choose another with TRUST_REGISTRY_METRICS_LISTEN`
      reject(new Error(`cannot serve metrics on ${host}:${port}: ${why}`, { cause }))
    })
    server.listen(port, host, resolve)
  })
  log.info({ metrics: `${host}:${(server.address() as AddressInfo).port}` }, "serving metrics")
  return async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}
