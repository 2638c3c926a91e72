/** Options of a connection. */
export interface ConnectOptions {
  /**
   * Longest time a unary call may take, its retries included, in milliseconds: a number above 0. `Infinity`: no deadline. The registry
   * itself tries to reach its database for 2,000 ms: a call with less than that fails with DEADLINE_EXCEEDED instead of
   * DATABASE_UNAVAILABLE.
   * Default: {@link DEFAULT_TIMEOUT_MS}.
   */
  timeoutMs?: number | undefined
  /**
   * TLS; `true` trusts the certificate authorities that come with Node. Default: TLS, except for loopback addresses and
   * Unix sockets, or with `insecure`.
   */
  tls?: boolean | TlsOptions | undefined
  /** Connect without TLS to an address that is not on this machine. Anyone on the network path can read and change the traffic. */
  insecure?: boolean | undefined
  /**
   * How long the connection may be silent before a keepalive ping, in milliseconds.
   * Default: {@link DEFAULT_KEEPALIVE_MS}.
   */
  keepaliveMs?: number | undefined
  /**
   * How long the response to a ping may take, in milliseconds. After that a new connection is opened.
   * Default: {@link DEFAULT_KEEPALIVE_TIMEOUT_MS}.
   */
  keepaliveTimeoutMs?: number | undefined
  /**
   * The largest message that is accepted from the registry, in bytes. A chain that is larger is reported with `tooLargeBytes` by
   * lists, exports and watches. Default: {@link MAX_RESPONSE_BYTES}. How much the registry accepts is learned from it.
   */
  maxResponseBytes?: number | undefined
  /** A cache of chains in this process, to answer hot reads without a call. Default: none. */
  cache?: CacheOptions | undefined
}

/**
 * A cache of chains that `getChain` answers from. A watch drops changed chains within milliseconds of the commit. While the
 * watch is silent for longer than {@link MAX_SILENCE_MS}, or has not caught up, every read is a call.
 */
export interface CacheOptions {
  /** Most chains to keep: a whole number of 1 or more. */
  maxEntries: number
}

/** TLS certificates, all in PEM. */
export interface TlsOptions {
  /** Certificates of the trusted certificate authorities. Default: those that come with Node. */
  ca?: string | Buffer | undefined
  /** The client certificate with its chain, for a registry that requires one. */
  cert?: string | Buffer | undefined
  /** The private key of that certificate. */
  key?: string | Buffer | undefined
}

/** Options of one call. */
export interface CallOptions {
  /** Cancels the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * Longest time the call may take, its retries included, in milliseconds: a number above 0, anything else is a TypeError.
   * `Infinity`: no deadline. Default: that of the connection.
   */
  timeoutMs?: number | undefined
}

/** Longer than the registry tries to reach its database (2 s), with room for a retry. */
export const DEFAULT_TIMEOUT_MS = 5_000

/** Idle connections are pinged too; otherwise the next call on a dead one would run into its deadline. */
export const DEFAULT_KEEPALIVE_MS = 10_000

/** A connection that takes longer to respond to a ping is considered dead. */
export const DEFAULT_KEEPALIVE_TIMEOUT_MS = 5_000

/** More than a registry can be set to accept, and so the largest response with one chain. */
export const MAX_RESPONSE_BYTES = 80 * 1024 * 1024

/** The largest message that the registry accepts unless it is set otherwise; a page of a list has at most 3 MiB. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024

/** The registry sends a bookmark every second. After a longer silence the cache may have missed changes. */
export const MAX_SILENCE_MS = 1_500
