import { flagOf, PREFIX, type Setting, settings } from "./settings.js"
import { isLoopback, maskUrl } from "./values.js"

/** All settings, read and checked; frozen. */
export type Config = { readonly [Name in SettingName]: ReturnType<(typeof settings)[Name]["read"]> }

/** The name of a setting in the program. */
export type SettingName = keyof typeof settings

/** Where a setting's text comes from. */
export type Source = "flag" | "variable" | "default"

/** Texts of flags by their names without the dashes. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>

/** The configuration and what is to be said about it. */
export interface LoadedConfig {
  /** The settings. */
  readonly config: Config
  /** The text of each setting and where it comes from. */
  readonly texts: ReadonlyMap<SettingName, { readonly text: string; readonly source: Source }>
  /** Sentences for the log, for example about a variable that is no setting. */
  readonly warnings: readonly string[]
}

/** Settings that cannot be used: one line for each, with its variable or flag, its value and what is allowed. */
export class ConfigError extends Error {
  override readonly name = "ConfigError"
  /** What is wrong, a line each. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join("\n"))
    this.problems = problems
  }
}

/** The defaults, for programs that embed the server and change a few. */
export function defaultConfig(changes: Partial<Config> = {}): Config {
  return Object.freeze({ ...loadConfig({}).config, ...changes })
}

/**
 * Reads the settings: a flag goes before its variable, and an empty text counts as not set.
 * Throws one {@link ConfigError} for all that is wrong.
 */
export function loadConfig(env: NodeJS.ProcessEnv, flags: Flags = {}): LoadedConfig {
  const problems: string[] = []
  const values: Partial<Record<SettingName, unknown>> = {}
  const texts = new Map<SettingName, { text: string; source: Source }>()
  for (const [name, setting] of rows()) {
    const given = textOf(setting, env, flags)
    texts.set(name, given)
    values[name] = read(setting, given, problems)
  }
  // Each value was made by the `read` of its own row, or there is a problem.
  const config = Object.freeze(values) as Config
  if (problems.length === 0) problems.push(...contradictions(config))
  if (problems.length > 0) throw new ConfigError(problems)
  return { config, texts, warnings: unknownVariables(env) }
}

/** The rows of the table in their order, with their names. */
export function rows(): [SettingName, Setting<unknown>][] {
  return Object.entries(settings) as [SettingName, Setting<unknown>][]
}

function textOf(setting: Setting<unknown>, env: NodeJS.ProcessEnv, flags: Flags) {
  const flag = flags[flagOf(setting)]
  if (flag !== undefined && flag !== "") return { text: String(flag), source: "flag" as const }
  const text = env[setting.variable]
  if (text !== undefined && text !== "") return { text, source: "variable" as const }
  return { text: setting.default, source: "default" as const }
}

function read(
  setting: Setting<unknown>,
  { text, source }: { text: string; source: Source },
  problems: string[],
) {
  try {
    return setting.read(text)
  } catch (error) {
    const name = source === "flag" ? `--${flagOf(setting)}` : setting.variable
    const shown = setting === settings.databaseUrl ? maskUrl(text) : text
    problems.push(`${name} is ${JSON.stringify(shown)}, allowed is ${(error as Error).message}`)
    return undefined
  }
}

/** What no row can see alone. */
function contradictions(config: Config): string[] {
  const problems: string[] = []
  if ((config.tlsCert === "") !== (config.tlsKey === "")) {
    problems.push("TRUST_REGISTRY_TLS_CERT and TRUST_REGISTRY_TLS_KEY go together: set both or none")
  }
  if (config.tlsClientCa !== "" && config.tlsCert === "") {
    problems.push("TRUST_REGISTRY_TLS_CLIENT_CA needs TRUST_REGISTRY_TLS_CERT and TRUST_REGISTRY_TLS_KEY")
  }
  if (config.workers > 1 && config.databaseConnections < 2 * config.workers) {
    problems.push(
      `TRUST_REGISTRY_DATABASE_CONNECTIONS is ${config.databaseConnections}, allowed is at least ${2 * config.workers} ` +
        `with ${config.workers} workers (TRUST_REGISTRY_WORKERS)`,
    )
  }
  if (config.maxChainBytes + ENVELOPE_BYTES > config.maxMessageBytes) {
    problems.push(
      `TRUST_REGISTRY_MAX_CHAIN_BYTES is ${config.maxChainBytes}, allowed is at most ` +
        `TRUST_REGISTRY_MAX_MESSAGE_BYTES less ${ENVELOPE_BYTES}, here ${config.maxMessageBytes - ENVELOPE_BYTES}`,
    )
  }
  if (config.tlsCert === "" && !config.allowInsecure && !isLoopback(config.listen.host)) {
    problems.push(
      `TRUST_REGISTRY_LISTEN is "${config.listen.host}:${config.listen.port}", which others can reach, and TLS is off: set ` +
        "TRUST_REGISTRY_TLS_CERT and TRUST_REGISTRY_TLS_KEY, or TRUST_REGISTRY_ALLOW_INSECURE=true to send all in the clear",
    )
  }
  return problems
}

/** What stands round a chain in a request or a response: ids, record, framing. */
const ENVELOPE_BYTES = 16_384

function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = new Set([...rows().map(([, { variable }]) => variable), ...OTHERS])
  return Object.keys(env)
    .filter(
      (variable) => variable.startsWith(PREFIX) && !known.has(variable) && !isServiceLink(variable, env),
    )
    .map((variable) => `${variable} is no setting of this server and changes nothing; is it a typing error?`)
}

/**
 * Whether Kubernetes set the variable, as it does in each pod for every service of the namespace whose name begins with
 * trust-registry. No setting of ours has such a name; a `…_PORT` of theirs is a URL.
 */
function isServiceLink(variable: string, env: NodeJS.ProcessEnv): boolean {
  return SERVICE_LINK.test(variable) || (/_PORT$/.test(variable) && /^(tcp|udp|sctp):/.test(env[variable] ?? ""))
}

const SERVICE_LINK = /_SERVICE_HOST$|_SERVICE_PORT(_[A-Z\d_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/

/** Read by the client's command line, so they may well be set beside a server. */
const OTHERS = ["TRUST_REGISTRY_ADDRESS"]
