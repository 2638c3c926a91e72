import { booleanOf, choiceOf, countOf, databaseUrlOf, durationOf, listenOf, textOf } from "./values.js"

/**
 * Every setting of the server: its variable (a flag of the same name without the prefix takes precedence), default,
 * unit, description, and parser. docs/configuration.md is generated from this table.
 */
export const settings = {
  databaseUrl: {
    variable: "DATABASE_URL",
    unit: "URL",
    sentence:
      "The PostgreSQL (15 to 18) that stores the chains, `postgres://user:password@host:port/database` with libpq's parameters " +
      "(docs/guide.md; `PG*` variables do not count); if empty, the embedded PostgreSQL in the data folder. Prefer the variable: a flag shows up in the process list.",
    default: "",
    read: databaseUrlOf,
  },
  dataDir: {
    variable: "TRUST_REGISTRY_DATA_DIR",
    unit: "path",
    sentence: "The folder of the embedded PostgreSQL, created if missing; not used with DATABASE_URL.",
    default: "./.trust-registry",
    read: textOf("a path"),
  },
  listen: {
    variable: "TRUST_REGISTRY_LISTEN",
    unit: "host:port",
    sentence:
      "The address that serves gRPC; port 0 picks a free port, which the `ready` line of the log names.",
    default: "127.0.0.1:50051",
    read: listenOf,
  },
  workers: {
    variable: "TRUST_REGISTRY_WORKERS",
    unit: "processes",
    sentence:
      "The number of processes that share the port; each has its own cache and accepts whole connections, so clients " +
      "should open several.",
    default: "1",
    read: countOf(1, 128),
  },
  tlsCert: {
    variable: "TRUST_REGISTRY_TLS_CERT",
    unit: "path",
    sentence:
      "The server's certificate with its chain, PEM; together with TRUST_REGISTRY_TLS_KEY it enables TLS.",
    default: "",
    read: textOf("a path"),
  },
  tlsKey: {
    variable: "TRUST_REGISTRY_TLS_KEY",
    unit: "path",
    sentence: "The private key of that certificate, PEM.",
    default: "",
    read: textOf("a path"),
  },
  tlsClientCa: {
    variable: "TRUST_REGISTRY_TLS_CLIENT_CA",
    unit: "path",
    sentence:
      "The certificate authorities of client certificates, PEM; if set, every client must present one (mutual TLS).",
    default: "",
    read: textOf("a path"),
  },
  allowInsecure: {
    variable: "TRUST_REGISTRY_ALLOW_INSECURE",
    unit: "true or false",
    sentence: "Allows listening beyond loopback without TLS; otherwise the server refuses to start that way.",
    default: "false",
    read: booleanOf,
  },
  logLevel: {
    variable: "TRUST_REGISTRY_LOG_LEVEL",
    unit: "level",
    sentence:
      "The lowest level that is logged; successful reads are `debug`, writes and refused calls `info`.",
    default: "info",
    read: choiceOf(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
  },
  metricsListen: {
    variable: "TRUST_REGISTRY_METRICS_LISTEN",
    unit: "host:port",
    sentence:
      "The address that serves Prometheus metrics of all workers, over HTTP at /metrics; if empty, none. Metrics " +
      "name no agent and no caller.",
    default: "",
    read: (text: string) => (text === "" ? undefined : listenOf(text)),
  },
  cacheEntries: {
    variable: "TRUST_REGISTRY_CACHE_ENTRIES",
    unit: "chains",
    sentence:
      "The most chains that each process, and so each worker, caches (only chains of up to 64 KiB); 0 " +
      "disables the cache.",
    default: "10000",
    read: countOf(0, 100_000_000),
  },
  cacheMaxAgeMs: {
    variable: "TRUST_REGISTRY_CACHE_MAX_AGE_MS",
    unit: "ms",
    sentence:
      "How stale the cache may be: changes made elsewhere are pushed, and if that fails, reads go to the " +
      "database after this time (docs/guarantees.md).",
    default: "2000",
    read: countOf(1, 60_000),
  },
  databaseConnections: {
    variable: "TRUST_REGISTRY_DATABASE_CONNECTIONS",
    unit: "connections",
    sentence:
      "The most database connections that calls may use, shared among the workers; each process has two more, " +
      "for health checks and for the change feed.",
    default: "10",
    read: countOf(2, 1_000),
  },
  databaseTimeoutMs: {
    variable: "TRUST_REGISTRY_DATABASE_TIMEOUT_MS",
    unit: "ms",
    sentence:
      "How long a call waits out a lost connection, a failover or a lock before it fails with DATABASE_UNAVAILABLE.",
    default: "2000",
    read: countOf(100, 60_000),
  },
  databaseStartTimeoutMs: {
    variable: "TRUST_REGISTRY_DATABASE_START_TIMEOUT_MS",
    unit: "ms",
    sentence: "How long startup waits for the database of DATABASE_URL before it fails with exit code 1.",
    default: "30000",
    read: countOf(0, 3_600_000),
  },
  maxWaitingWrites: {
    variable: "TRUST_REGISTRY_MAX_WAITING_WRITES",
    unit: "writes",
    sentence: "The most writes that may wait for the database; any more are refused with OVERLOADED.",
    default: "5000",
    read: countOf(1, 1_000_000),
  },
  historyRetentionMs: {
    variable: "TRUST_REGISTRY_HISTORY_RETENTION",
    unit: "duration",
    sentence:
      "How long the history keeps superseded changes (`90s`, `30m`, `12h`, `30d`), along with the answers " +
      "stored for their request ids. If empty, this server removes nothing. All servers on a database share one history: " +
      "the shortest retention of any of them applies, and removed changes are gone for good.",
    default: "",
    read: durationOf,
  },
  requireSignatures: {
    variable: "TRUST_REGISTRY_REQUIRE_SIGNATURES",
    unit: "true or false",
    sentence:
      "Refuses chains with a signature that cannot be checked because its signer is unknown; " +
      "otherwise they are stored as UNVERIFIED.",
    default: "false",
    read: booleanOf,
  },
  maxRecordAgeMs: {
    variable: "TRUST_REGISTRY_MAX_RECORD_AGE",
    unit: "duration",
    sentence:
      "How long after its date a record may first be stored that is signed with a key whose window has an end (`90s`, `30m`, `12h`, `30d`). " +
      "A key whose window has ended signs no new record at all. What an archive brings is exempt.",
    default: "24h",
    read: durationOf,
  },
  callTimeoutMs: {
    variable: "TRUST_REGISTRY_CALL_TIMEOUT_MS",
    unit: "ms",
    sentence:
      "The longest a unary call may take before it fails with DEADLINE_EXCEEDED, even if the client's deadline is later; as long may " +
      "a request take to arrive whole, and an answer to be read.",
    default: "30000",
    read: countOf(100, 3_600_000),
  },
  drainTimeoutMs: {
    variable: "TRUST_REGISTRY_DRAIN_TIMEOUT_MS",
    unit: "ms",
    sentence:
      "How long calls may continue after SIGTERM, SIGINT or SIGHUP; calls still open after that fail with SHUTTING_DOWN.",
    default: "10000",
    read: countOf(0, 3_600_000),
  },
  maxMessageBytes: {
    variable: "TRUST_REGISTRY_MAX_MESSAGE_BYTES",
    unit: "bytes",
    sentence:
      "The largest gRPC message that is accepted; a larger one fails with the status RESOURCE_EXHAUSTED.",
    default: "4194304",
    read: countOf(65_536, 67_108_864),
  },
  callBytes: {
    variable: "TRUST_REGISTRY_CALL_BYTES",
    unit: "bytes",
    sentence:
      "The most bytes of requests and answers that a process holds for its calls, and half of them for one connection; a request counts " +
      "four times, for the objects that it becomes. Beyond it calls wait unread, for up to 10 s, and are then refused with OVERLOADED. " +
      "At least 32 messages of TRUST_REGISTRY_MAX_MESSAGE_BYTES are allowed.",
    default: "134217728",
    read: countOf(16_777_216, 1_099_511_627_776),
  },
  maxChainBytes: {
    variable: "TRUST_REGISTRY_MAX_CHAIN_BYTES",
    unit: "bytes",
    sentence: "The largest chain, in its protobuf encoding.",
    default: "1048576",
    read: countOf(1_024, 67_108_864),
  },
  maxCapabilities: {
    variable: "TRUST_REGISTRY_MAX_CAPABILITIES",
    unit: "records",
    sentence: "The most capability attestations of a chain.",
    default: "1000",
    read: countOf(0, 100_000),
  },
  maxDelegations: {
    variable: "TRUST_REGISTRY_MAX_DELEGATIONS",
    unit: "records",
    sentence: "The most delegations of a chain.",
    default: "1000",
    read: countOf(0, 100_000),
  },
  maxAnchors: {
    variable: "TRUST_REGISTRY_MAX_ANCHORS",
    unit: "records",
    sentence: "The most audit anchors of a chain.",
    default: "2000",
    read: countOf(0, 100_000),
  },
  maxIdBytes: {
    variable: "TRUST_REGISTRY_MAX_ID_BYTES",
    unit: "bytes",
    sentence: "The longest id, in UTF-8.",
    default: "512",
    // The schema's limit: two ids fit into an entry of PostgreSQL's B-tree.
    read: countOf(16, 512),
  },
  maxJsonDepth: {
    variable: "TRUST_REGISTRY_MAX_JSON_DEPTH",
    unit: "levels",
    sentence: "How deep JSON text in a chain may nest.",
    default: "64",
    read: countOf(1, 512),
  },
} as const satisfies Record<string, Setting<unknown>>

/** One row of the table. */
export interface Setting<Value> {
  /** Environment variable. */
  readonly variable: string
  /** What the number counts, or the format of the text. */
  readonly unit: string
  /** What it does. */
  readonly sentence: string
  /** The value of an unset variable. */
  readonly default: string
  /** Parses the text. Throws an Error whose message completes the sentence "must be …". */
  readonly read: (text: string) => Value
}

/** The flag of a setting: `TRUST_REGISTRY_DATA_DIR` is `--data-dir`. */
export function flagOf({ variable }: Pick<Setting<unknown>, "variable">): string {
  return variable.replace(PREFIX, "").toLowerCase().replaceAll("_", "-")
}

/** The prefix of this project's variables. */
export const PREFIX = "TRUST_REGISTRY_"
