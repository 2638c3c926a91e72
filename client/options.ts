/** How a registry is reached. */
export interface ConnectOptions {
  /**
   * Longest time a unary call may take, its retries included, in milliseconds: a number above 0. `Infinity`: no deadline. The registry
   * itself tries to reach its database for 2,000 ms: a call with less than that fails with DEADLINE_EXCEEDED instead of
   * DATABASE_UNAVAILABLE.
   * Default: {@link DEFAULT_TIMEOUT_MS}.
   */
  timeoutMs?: number | undefined
  /**
   * TLS: `true` trusts the authorities that Node brings. It is what an address beyond this machine gets unless it is told
   * to be `insecure`. Default: TLS, except to loopback addresses and Unix sockets.
   */
  tls?: boolean | TlsOptions | undefined
  /** Speak without TLS to an address beyond this machine. Whoever is on the way can then read and change all. */
  insecure?: boolean | undefined
  /**
   * How long the line may be silent before it is asked for a sign of life, in milliseconds.
   * Default: {@link DEFAULT_KEEPALIVE_MS}.
   */
  keepaliveMs?: number | undefined
  /**
   * How long such a sign may take, in milliseconds; then the line is given up and a new one opened.
   * Default: {@link DEFAULT_KEEPALIVE_TIMEOUT_MS}.
   */
  keepaliveTimeoutMs?: number | undefined
  /** A cache of chains in this process, for hot reads without a call. Default: none. */
  cache?: CacheOptions | undefined
}

/**
 * A cache of chains that `getChain` answers from. A watch drops what was changed, within milliseconds of its commit; while that
 * watch is silent for longer than {@link MAX_SILENCE_MS}, or not caught up, every read is a call as without a cache.
 */
export interface CacheOptions {
  /** Most chains that are kept: a whole number of 1 or more. */
  maxEntries: number
}

/** How the registry is known, and how it knows us; all in PEM. */
export interface TlsOptions {
  /** Certificates of the authorities that are trusted, instead of those that Node brings. */
  ca?: string | Buffer | undefined
  /** Our certificate with its chain, for a registry that asks for one. */
  cert?: string | Buffer | undefined
  /** The private key of that certificate. */
  key?: string | Buffer | undefined
}

/** How one call is made. */
export interface CallOptions {
  /** Cancels the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * Longest time the call may take, its retries included, in milliseconds: a number above 0, anything else is a TypeError.
   * `Infinity`: no deadline. Default: that of the connection.
   */
  timeoutMs?: number | undefined
}

/** Longer than the registry itself tries to reach its database (2 s) with room for a retry. */
export const DEFAULT_TIMEOUT_MS = 5_000

/** Idle lines are watched too: half an hour later a cut one would cost a call its whole deadline to find out. */
export const DEFAULT_KEEPALIVE_MS = 10_000

/** A line that does not answer a ping for so long carries no calls either. */
export const DEFAULT_KEEPALIVE_TIMEOUT_MS = 5_000

/** The largest message that the registry takes; a page of a list ends at 3 MiB. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024

/** The registry gives word every second: after so long without, the cache cannot know what it missed. */
export const MAX_SILENCE_MS = 1_500
