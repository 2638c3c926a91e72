import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import type { Server, ServerCredentials } from "@grpc/grpc-js"
import { serviceDefinition } from "@trust-registry/proto"
import type { Config } from "./config/config.js"
import type { ListenAddress } from "./config/values.js"
import { createGrpcServer, type Http2Edge } from "./rpc/deadlines.js"
import type { Service } from "./rpc/middleware.js"

/** A gRPC server that listens. */
export interface Listener {
  /** The address, as `host:port` with the actual port. */
  readonly address: string
  /** Stops gracefully: refuses new connections and calls, and resolves when the last open call has ended. */
  finish(): Promise<void>
  /** Closes every connection at once. */
  cut(): void
}

/**
 * Resolves to the address that a server can take, with an actual port in place of 0. Throws the error of {@link listen} if there is none:
 * found out before anything is started or created.
 */
export async function freeAddress(address: ListenAddress): Promise<ListenAddress> {
  const probe = createServer().listen(address.port, address.host)
  try {
    await once(probe, "listening")
  } catch (cause) {
    throw cannotListen(addressText(address), cause as Error)
  }
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, "close")
  return { host: address.host, port }
}

/** Opens the port. Throws an Error that names the address, for example if the port is in use. */
export async function listen(
  config: Config,
  credentials: ServerCredentials,
  services: readonly Service[],
  edge: Http2Edge,
): Promise<Listener> {
  const server = createGrpcServer(serverOptions(config), edge)
  for (const { desc, implementation } of services) server.addService(serviceDefinition(desc), implementation)
  const port = await bind(server, config.listen, credentials)
  return {
    address: addressText({ ...config.listen, port }),
    finish: () =>
      new Promise((resolve, reject) => server.tryShutdown((error) => (error ? reject(error) : resolve()))),
    cut: () => server.forceShutdown(),
  }
}

function serverOptions({ maxMessageBytes }: Config) {
  return {
    "grpc.max_receive_message_length": maxMessageBytes,
    // Drops clients behind a dead connection within a minute. Their own pings are accepted at any rate: grpc-js does not
    // limit them.
    "grpc.keepalive_time_ms": 40_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.max_concurrent_streams": MAX_CONCURRENT_STREAMS,
    // The server does not serve channelz, which costs work on each call.
    "grpc.enable_channelz": 0,
  }
}

/** Per connection; a client queues further calls on its side. */
const MAX_CONCURRENT_STREAMS = 1_000

async function bind(server: Server, address: ListenAddress, credentials: ServerCredentials) {
  const text = addressText(address)
  try {
    return await new Promise<number>((resolve, reject) =>
      server.bindAsync(text, credentials, (error, port) => (error ? reject(error) : resolve(port))),
    )
  } catch (cause) {
    server.forceShutdown()
    throw cannotListen(text, cause as Error)
  }
}

function cannotListen(text: string, cause: Error) {
  const why = cause.message.includes("EADDRINUSE")
    ? "the port is in use by another process; choose another with TRUST_REGISTRY_LISTEN"
    : cause.message
  return new Error(`cannot listen on ${text}: ${why}`, { cause })
}

function addressText({ host, port }: ListenAddress) {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
}
