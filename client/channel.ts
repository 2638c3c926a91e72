import * as grpc from "@grpc/grpc-js"
import { assertAddress, isOnThisMachine } from "./address.js"
import { timerMs } from "./limits.js"
import {
  type ConnectOptions,
  DEFAULT_KEEPALIVE_MS,
  DEFAULT_KEEPALIVE_TIMEOUT_MS,
  MAX_RESPONSE_BYTES,
} from "./options.js"
import { serviceConfig } from "./retry.js"
import type { Caller } from "./rpc/calls.js"
import { SERVICES } from "./services.js"

/** The channels of one connection; none shares a socket with another, nor with those of another connection. */
export interface Channels {
  /** Makes unary calls on the first channel, and streams on channels of their own. */
  caller: Caller
  /** Waits until the first channel is open; see grpc-js. */
  waitForReady: grpc.Client["waitForReady"]
  /** Closes all channels. Calls in progress finish. */
  close(): void
}

/**
 * A server accepts a bounded number of streams per connection, 1,000 for a registry and often 100 for a proxy. Calls beyond
 * it would wait in the client behind watches that never end.
 */
const STREAMS_PER_CHANNEL = 100

/** Creates the channels to an address. The first call opens a connection. */
export function openChannels(address: string, options: ConnectOptions): Channels {
  const unary = openChannel(address, options)
  const streaming: { client: grpc.Client; open: number }[] = []
  let closed = false

  const stream = <Stream extends NodeJS.EventEmitter>(start: (client: grpc.Client) => Stream): Stream => {
    let channel = streaming.find(({ open }) => open < STREAMS_PER_CHANNEL)
    if (!channel) {
      channel = { client: openChannel(address, options), open: 0 }
      streaming.push(channel)
      if (closed) channel.client.close()
    }
    const { client } = channel
    const call = start(client)
    channel.open++
    call.once("status", () => ended(channel))
    return call
  }
  /** Keeps one idle channel for the next stream. */
  const ended = (channel: (typeof streaming)[number]) => {
    channel.open--
    const idle = streaming.filter(({ open }) => open === 0)
    for (const one of idle.slice(1)) {
      streaming.splice(streaming.indexOf(one), 1)
      one.client.close()
    }
  }

  return {
    // Each method has the overloads of the method that it forwards to.
    caller: {
      makeUnaryRequest: unary.makeUnaryRequest.bind(unary),
      makeClientStreamRequest: ((...args: Parameters<grpc.Client["makeClientStreamRequest"]>) =>
        stream((client) => client.makeClientStreamRequest(...args))) as Caller["makeClientStreamRequest"],
      makeServerStreamRequest: ((...args: Parameters<grpc.Client["makeServerStreamRequest"]>) =>
        stream((client) => client.makeServerStreamRequest(...args))) as Caller["makeServerStreamRequest"],
      makeBidiStreamRequest: ((...args: Parameters<grpc.Client["makeBidiStreamRequest"]>) =>
        stream((client) => client.makeBidiStreamRequest(...args))) as Caller["makeBidiStreamRequest"],
    },
    waitForReady: (deadline, callback) => unary.waitForReady(deadline, callback),
    close() {
      closed = true
      unary.close()
      for (const { client } of streaming) client.close()
    },
  }
}

function openChannel(address: string, options: ConnectOptions): grpc.Client {
  assertAddress(address)
  const local = isOnThisMachine(address)
  return new grpc.Client(address, credentialsFor(address, local, options), {
    "grpc.service_config": JSON.stringify(serviceConfig(...SERVICES)),
    // grpc-js would give all channels with the same options one socket, and with it one worker of a registry.
    "grpc.use_local_subchannel_pool": 1,
    // A name that has moved is looked up again at once after the connection is lost; grpc-js would wait for 30 s.
    "grpc.dns_min_time_between_resolutions_ms": 1_000,
    // A DNS TXT record must not change how often calls are sent.
    "grpc.service_config_disable_resolution": 1,
    // The registry's own limit is learned and checked before a message is sent.
    "grpc.max_send_message_length": -1,
    "grpc.max_receive_message_length": options.maxResponseBytes ?? MAX_RESPONSE_BYTES,
    // With grpc-js's own limits, 1 MiB a call and 16 MiB in all, large chains would not be retried.
    "grpc.per_rpc_retry_buffer_size": RETRY_BUFFER_BYTES / 2,
    "grpc.retry_buffer_size": RETRY_BUFFER_BYTES,
    "grpc.keepalive_time_ms": timerMs(options.keepaliveMs ?? DEFAULT_KEEPALIVE_MS),
    "grpc.keepalive_timeout_ms": timerMs(options.keepaliveTimeoutMs ?? DEFAULT_KEEPALIVE_TIMEOUT_MS),
    "grpc.keepalive_permit_without_calls": 1,
    // Reconnects to a restarted registry within the retries of one call.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 5_000,
    // grpc-js would send even loopback traffic through a proxy set in the environment.
    ...(local ? { "grpc.enable_http_proxy": 0 } : {}),
  })
}

/** Calls in progress keep their requests in memory anyway; beyond this size they are not retried. */
const RETRY_BUFFER_BYTES = 256 * 1024 * 1024

function credentialsFor(address: string, local: boolean, { tls, insecure }: ConnectOptions) {
  if (tls && insecure) throw new TypeError(`${address}: tls and insecure cannot be combined`)
  if (tls === false && !local && !insecure) {
    throw new TypeError(`${address} is not on this machine: set insecure to connect without TLS`)
  }
  if (insecure || tls === false || (tls === undefined && local)) return grpc.credentials.createInsecure()
  const { ca, cert, key } = typeof tls === "object" ? tls : {}
  return grpc.credentials.createSsl(buffer(ca), buffer(key), buffer(cert))
}

function buffer(pem: string | Buffer | undefined) {
  return pem === undefined ? null : Buffer.from(pem)
}
