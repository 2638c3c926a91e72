import * as grpc from "@grpc/grpc-js"
import { assertAddress, isOnThisMachine } from "./address.js"
import { timerMs } from "./limits.js"
import {
  type ConnectOptions,
  DEFAULT_KEEPALIVE_MS,
  DEFAULT_KEEPALIVE_TIMEOUT_MS,
  MAX_MESSAGE_BYTES,
} from "./options.js"
import { serviceConfig } from "./retry.js"
import { SERVICES } from "./services.js"

/** Creates a grpc-js client for the address. The first call opens the connection. */
export function openChannel(address: string, options: ConnectOptions): grpc.Client {
  assertAddress(address)
  const local = isOnThisMachine(address)
  return new grpc.Client(address, credentialsFor(address, local, options), {
    "grpc.service_config": JSON.stringify(serviceConfig(...SERVICES)),
    // A DNS TXT record must not change how often calls are sent.
    "grpc.service_config_disable_resolution": 1,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    // With grpc-js's own limits, 1 MiB a call and 16 MiB in all, large chains would not be retried.
    "grpc.per_rpc_retry_buffer_size": 2 * MAX_MESSAGE_BYTES,
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
