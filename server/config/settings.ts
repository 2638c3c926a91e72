import { booleanOf, choiceOf, countOf, databaseUrlOf, durationOf, listenOf, textOf } from "./values.js"

/**
 * Every setting of the server, once: its variable (a flag of the same name without the prefix goes before it), default,
 * unit, sentence, and how its text is read. docs/configuration.md is made from this table.
 */
export const settings = {
  databaseUrl: {
    variable: "DATABASE_URL",
    unit: "URL",
    sentence:
      "The PostgreSQL (15 to 18) that holds the chains, `postgres://user:password@host:port/database` with libpq's parameters " +
      "(docs/guide.md; `PG*` variables do not count); empty: the embedded PostgreSQL in the data folder. Prefer the variable: a flag can be seen in the list of processes.",
    default: "",
    read: databaseUrlOf,
  },
  dataDir: {
    variable: "TRUST_REGISTRY_DATA_DIR",
    unit: "path",
    sentence: "The folder of the embedded PostgreSQL, made where it is missing; not used with DATABASE_URL.",
    default: "./.trust-registry",
    read: textOf("a path"),
  },
  listen: {
    variable: "TRUST_REGISTRY_LISTEN",
    unit: "host:port",
    sentence: "Where gRPC is served; port 0 takes a free one, which the line that says `ready` names.",
    default: "127.0.0.1:50051",
    read: listenOf,
  },
  workers: {
    variable: "TRUST_REGISTRY_WORKERS",
    unit: "processes",
    sentence:
      "How many processes `serve` shares the port among; each has its own memory and takes whole connections, so callers " +
      "should open several.",
    default: "1",
    read: countOf(1, 128),
  },
  tlsCert: {
    variable: "TRUST_REGISTRY_TLS_CERT",
    unit: "path",
    sentence: "The server's certificate with its chain, PEM; with TRUST_REGISTRY_TLS_KEY it turns TLS on.",
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
      "Authorities of client certificates, PEM; where it is set, every caller must show one (mutual TLS).",
    default: "",
    read: textOf("a path"),
  },
  allowInsecure: {
    variable: "TRUST_REGISTRY_ALLOW_INSECURE",
    unit: "true or false",
    sentence: "Allows to listen beyond loopback without TLS; otherwise the server refuses to start so.",
    default: "false",
    read: booleanOf,
  },
  logLevel: {
    variable: "TRUST_REGISTRY_LOG_LEVEL",
    unit: "level",
    sentence: "The least that is logged; reads that succeed are `debug`, writes and refused calls `info`.",
    default: "info",
    read: choiceOf(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
  },
  metricsListen: {
    variable: "TRUST_REGISTRY_METRICS_LISTEN",
    unit: "host:port",
    sentence:
      "Where metrics are served for Prometheus, over HTTP at /metrics, those of all workers at one place; empty: nowhere. They " +
      "name no agent and no caller.",
    default: "",
    read: (text: string) => (text === "" ? undefined : listenOf(text)),
  },
  cacheEntries: {
    variable: "TRUST_REGISTRY_CACHE_ENTRIES",
    unit: "chains",
    sentence:
      "How many chains of up to 64 KiB each process, and so each worker, keeps in memory at most (larger ones never); 0 " +
      "turns the cache off.",
    default: "10000",
    read: countOf(0, 100_000_000),
  },
  cacheMaxAgeMs: {
    variable: "TRUST_REGISTRY_CACHE_MAX_AGE_MS",
    unit: "ms",
    sentence:
      "How old memory may be and still be served: changes made elsewhere are pushed, and where that fails reads go to the " +
      "database after this long (docs/guarantees.md).",
    default: "2000",
    read: countOf(1, 60_000),
  },
  databaseConnections: {
    variable: "TRUST_REGISTRY_DATABASE_CONNECTIONS",
    unit: "connections",
    sentence:
      "How many connections to the database calls may use at most, shared among the workers; each process has two more, " +
      "to watch over the database and to hear of changes.",
    default: "10",
    read: countOf(2, 1_000),
  },
  databaseTimeoutMs: {
    variable: "TRUST_REGISTRY_DATABASE_TIMEOUT_MS",
    unit: "ms",
    sentence:
      "How long a lost connection, a failover or a lock is waited out inside a call; then it fails with DATABASE_UNAVAILABLE.",
    default: "2000",
    read: countOf(100, 60_000),
  },
  databaseStartTimeoutMs: {
    variable: "TRUST_REGISTRY_DATABASE_START_TIMEOUT_MS",
    unit: "ms",
    sentence:
      "How long a start waits for the database of DATABASE_URL to answer; then it fails with exit code 1.",
    default: "30000",
    read: countOf(0, 3_600_000),
  },
  maxWaitingWrites: {
    variable: "TRUST_REGISTRY_MAX_WAITING_WRITES",
    unit: "writes",
    sentence: "How many writes may wait for the database; one more is refused with OVERLOADED.",
    default: "5000",
    read: countOf(1, 1_000_000),
  },
  historyRetentionMs: {
    variable: "TRUST_REGISTRY_HISTORY_RETENTION",
    unit: "duration",
    sentence:
      "How long the history keeps changes that were replaced since (`90s`, `30m`, `12h`, `30d`); with them go the first " +
      "answers to their request ids. Empty: this server removes nothing. The history is one for all servers on a database: " +
      "the shortest that any of them has holds for all, and what one start with it removed is gone for good.",
    default: "",
    read: durationOf,
  },
  requireSignatures: {
    variable: "TRUST_REGISTRY_REQUIRE_SIGNATURES",
    unit: "true or false",
    sentence:
      "Refuses chains of which some signature cannot be checked, because a signer is not known here; " +
      "otherwise they are stored as UNVERIFIED.",
    default: "false",
    read: booleanOf,
  },
  callTimeoutMs: {
    variable: "TRUST_REGISTRY_CALL_TIMEOUT_MS",
    unit: "ms",
    sentence:
      "The longest a unary call may take, whatever its caller's deadline; then it fails with DEADLINE_EXCEEDED.",
    default: "30000",
    read: countOf(100, 3_600_000),
  },
  drainTimeoutMs: {
    variable: "TRUST_REGISTRY_DRAIN_TIMEOUT_MS",
    unit: "ms",
    sentence:
      "How long calls may go on after SIGTERM or SIGINT; those still open then fail with SHUTTING_DOWN.",
    default: "10000",
    read: countOf(0, 3_600_000),
  },
  maxMessageBytes: {
    variable: "TRUST_REGISTRY_MAX_MESSAGE_BYTES",
    unit: "bytes",
    sentence:
      "The largest gRPC message that is taken; a larger one fails with the status RESOURCE_EXHAUSTED.",
    default: "4194304",
    read: countOf(65_536, 67_108_864),
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
    // What the schema allows: two of them fit an entry of PostgreSQL's B-tree.
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
  /** What the number counts, or the form of the text. */
  readonly unit: string
  /** What it does. */
  readonly sentence: string
  /** The text that stands for an unset variable. */
  readonly default: string
  /** Reads the text; throws an Error whose message says what is allowed. */
  readonly read: (text: string) => Value
}

/** The flag of a setting: `TRUST_REGISTRY_DATA_DIR` is `--data-dir`. */
export function flagOf({ variable }: Pick<Setting<unknown>, "variable">): string {
  return variable.replace(PREFIX, "").toLowerCase().replaceAll("_", "-")
}

/** How the variables of this project begin. */
export const PREFIX = "TRUST_REGISTRY_"
