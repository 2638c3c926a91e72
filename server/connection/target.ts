/** One server of a {@link Target}. */
export interface Host {
  /** Its name, for certificates and people, or the folder of its Unix socket, which begins with `/`. */
  readonly host: string
  /** The address to connect to if it was given apart from the name. */
  readonly address: string
  readonly port: number
}

/** How a connection is encrypted; the modes are libpq's. */
export interface Encryption {
  readonly mode: "disable" | "prefer" | "require" | "verify-ca" | "verify-full"
  /** Whether TLS starts at once, without PostgreSQL's request for it. */
  readonly direct: boolean
  /** Whether the host's name is sent to the server in the clear (SNI). */
  readonly sendsName: boolean
  /** Files, as paths; empty if not given. `rootCert` may be `system`: the roots that Node.js has. */
  readonly rootCert: string
  readonly crl: string
  readonly cert: string
  readonly key: string
  readonly keyPassword: string
  readonly minVersion: TlsVersion
  readonly maxVersion: TlsVersion
}

/** Versions of TLS that Node.js speaks. */
export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3"

/** Where the database is and how to log in: all that a connection string says, and nothing from the environment. */
export interface Target {
  /** Tried in this order, or in a random one with `random`. */
  readonly hosts: readonly Host[]
  readonly random: boolean
  readonly user: string
  readonly database: string
  /** Empty for none. */
  readonly password: string
  /** A file of passwords, read at each connection; empty for none. */
  readonly passfile: string
  readonly encryption: Encryption
  /** The longest that one host may take until a session is ready, in milliseconds. */
  readonly connectTimeoutMs: number
  /** How long a connection is idle before TCP keepalives begin, in seconds; 0 for none. */
  readonly keepAliveS: number
  /** Sent to PostgreSQL at the start of each session. */
  readonly startup: Readonly<Record<string, string>>
  /** What the connections learnt; shared by all pools of this target. */
  readonly learnt: Learnt
}

/** Facts that outlive a connection. Plain data, because a primary sends it to its workers. */
export interface Learnt {
  /** The index of the host to try first. */
  host: number
  /** The schema that holds the registry's tables, as a quoted identifier; every session is pinned to it. */
  schema?: string
  /** Whether something between this server and PostgreSQL gave a session another identity, as connection poolers do. */
  pooler?: boolean
  /** Settings that weaken a promise and were already reported. */
  told?: string
}

/** No encryption, for Unix sockets. */
export const IN_THE_CLEAR: Encryption = {
  mode: "disable",
  direct: false,
  sendsName: true,
  rootCert: "",
  crl: "",
  cert: "",
  key: "",
  keyPassword: "",
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
}

/** How long one host may take by default, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 2_000
/** Keepalives begin after so many idle seconds by default. */
export const KEEP_ALIVE_S = 60
