import { maskUrl } from "../connection/mask.js"
import { flagOf, PREFIX, type Setting, settings } from "./settings.js"
import { isLoopback } from "./values.js"

/** All settings, parsed and validated; frozen. */
export type Config = { readonly [Name in SettingName]: ReturnType<(typeof settings)[Name]["read"]> }

/** The name of a setting in code. */
export type SettingName = keyof typeof settings

/** Where a setting's text comes from. */
export type Source = "flag" | "variable" | "default"

/** Flags as given, by name without the dashes. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>

/** The configuration, where it comes from, and warnings about it. */
export interface LoadedConfig {
  /** The settings. */
  readonly config: Config
  /** The text of each setting and where it comes from. */
  readonly texts: ReadonlyMap<SettingName, { readonly text: string; readonly source: Source }>
  /** Sentences for the log, for example about a variable that is not a setting. */
  readonly warnings: readonly string[]
}

/** Invalid settings: one line for each, with its variable or flag, its value and the allowed values. */
export class ConfigError extends Error {
  override readonly name = "ConfigError"
  /** The problems, one line each. */
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
 * Reads the settings. A flag takes precedence over its variable, and an empty value counts as unset.
 * Throws one {@link ConfigError} with all problems.
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
  // Each value comes from the `read` of its own row, or there is a problem.
  const config = Object.freeze(values) as Config
  if (problems.length === 0) problems.push(...contradictions(config).map((line) => namedAsGiven(line, texts)))
  if (problems.length > 0) throw new ConfigError(problems)
  return { config, texts, warnings: unknownVariables(env) }
}

/**
 * A sentence about settings with their names as the user gives them: where flags are used, what was not given by its variable is named
 * by its flag.
 */
export function namedAsGiven(text: string, texts: LoadedConfig["texts"]): string {
  if (![...texts.values()].some(({ source }) => source === "flag")) return text
  return text.replace(/\b(?:TRUST_REGISTRY_[A-Z_]+|DATABASE_URL)\b/g, (variable) => {
    const [name, setting] = rows().find(([, row]) => row.variable === variable) ?? []
    if (name === undefined || setting === undefined || texts.get(name)?.source === "variable") return variable
    return `--${flagOf(setting)}`
  })
}

/** The settings in the order of the table, with their names. */
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
    problems.push(`${name} is ${JSON.stringify(shown)}; must be ${(error as Error).message}`)
    return undefined
  }
}

/** Problems that involve several settings. */
function contradictions(config: Config): string[] {
  const problems: string[] = []
  if ((config.tlsCert === "") !== (config.tlsKey === "")) {
    problems.push("TRUST_REGISTRY_TLS_CERT and TRUST_REGISTRY_TLS_KEY go together: set both or neither")
  }
  if (config.tlsClientCa !== "" && config.tlsCert === "") {
    problems.push("TRUST_REGISTRY_TLS_CLIENT_CA needs TRUST_REGISTRY_TLS_CERT and TRUST_REGISTRY_TLS_KEY")
  }
  if (config.workers > 1 && config.databaseConnections < 2 * config.workers) {
    problems.push(
      `TRUST_REGISTRY_DATABASE_CONNECTIONS is ${config.databaseConnections}; must be at least ${2 * config.workers} ` +
        `with ${config.workers} workers (TRUST_REGISTRY_WORKERS)`,
    )
  }
  if (config.maxChainBytes + ENVELOPE_BYTES > config.maxMessageBytes) {
    problems.push(
      `TRUST_REGISTRY_MAX_CHAIN_BYTES is ${config.maxChainBytes}; must be at most ` +
        `TRUST_REGISTRY_MAX_MESSAGE_BYTES less ${ENVELOPE_BYTES}, here ${config.maxMessageBytes - ENVELOPE_BYTES}`,
    )
  }
  if (config.tlsCert === "" && !config.allowInsecure && !isLoopback(config.listen.host)) {
    problems.push(
      `TRUST_REGISTRY_LISTEN is "${config.listen.host}:${config.listen.port}", which other machines can reach, but TLS is off: set ` +
        "TRUST_REGISTRY_TLS_CERT and TRUST_REGISTRY_TLS_KEY, or TRUST_REGISTRY_ALLOW_INSECURE=true to serve in plaintext",
    )
  }
  return problems
}

/** What a request or response holds beside a chain: ids, record, framing. */
const ENVELOPE_BYTES = 16_384

function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = new Set([...rows().map(([, { variable }]) => variable), ...OTHERS])
  return Object.keys(env)
    .filter(
      (variable) => variable.startsWith(PREFIX) && !known.has(variable) && !isServiceLink(variable, env),
    )
    .map((variable) => `${variable} is not a setting of this server and has no effect; is it a typo?`)
}

/**
 * Whether Kubernetes set the variable, as it does in each pod for every service of the namespace whose name begins with
 * trust-registry. No setting of ours has such a name; a `…_PORT` of theirs is a URL.
 */
function isServiceLink(variable: string, env: NodeJS.ProcessEnv): boolean {
  return (
    SERVICE_LINK.test(variable) || (/_PORT$/.test(variable) && /^(tcp|udp|sctp):/.test(env[variable] ?? ""))
  )
}

const SERVICE_LINK =
  /_SERVICE_HOST$|_SERVICE_PORT(_[A-Z\d_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/

/** Read by the client's command line, so it may be set on the same machine. */
const OTHERS = ["TRUST_REGISTRY_ADDRESS"]
