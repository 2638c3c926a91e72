import cluster from "node:cluster"
import { parseArgs } from "node:util"
import {
  ConfigError,
  type Flags,
  type LoadedConfig,
  loadConfig,
  namedAsGiven,
  rows,
} from "./config/config.js"
import { configMarkdown, describeConfig, describeFlags } from "./config/describe.js"
import { flagOf, settings } from "./config/settings.js"
import { EmbeddedPostgresError } from "./embedded/errors.js"
import { createLog, flushLog } from "./log.js"
import { migrateDatabase } from "./main.js"
import { serve } from "./serve.js"
import { serverVersion } from "./version.js"

/**
 * The command line of `trust-registry-server`. Resolves to the exit code: 0 for success, 1 for a failure, 2 for an invalid
 * command or setting. The log goes to standard output, errors that prevent a start go to standard error.
 */
export async function runCommand(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  // A terminal that has ended fails every write, which is no reason to stop otherwise than in order.
  process.stderr.on("error", () => undefined)
  try {
    return await dispatch(args, env)
  } catch (error) {
    process.stderr.write(`trust-registry-server: ${messageOf(error)}\n`)
    return error instanceof ConfigError || isUsageError(error) ? 2 : 1
  } finally {
    await flushLog(FLUSH_MS)
  }
}

/** How long the exit waits for a log that is not read, in milliseconds. */
const FLUSH_MS = 1_000

async function dispatch(args: readonly string[], env: NodeJS.ProcessEnv) {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  const { help, version, markdown, ...flags } = values
  if (help) return print(USAGE)
  if (version) return print(serverVersion())
  const [command, ...rest] = positionals
  if (command === undefined || rest.length > 0 || !isCommand(command)) return complain(positionals)
  if (markdown && command === "config") return print(configMarkdown().trimEnd())
  const loaded = loadConfig(env, flags as Flags)
  return await COMMANDS[command](loaded).catch((error) => {
    throw error instanceof ConfigError
      ? new ConfigError(error.problems.map((line) => namedAsGiven(line, loaded.texts)))
      : error
  })
}

const COMMANDS = {
  async serve(loaded: LoadedConfig) {
    return await serve({ config: loaded.config, log: openLog(loaded) })
  },

  async migrate(loaded: LoadedConfig) {
    const steps = await migrateDatabase({ config: loaded.config, log: openLog(loaded) })
    return print(steps.length > 0 ? steps.map((step) => `applied ${step}`).join("\n") : "nothing to do")
  },

  async config(loaded: LoadedConfig) {
    for (const warning of loaded.warnings) process.stderr.write(`trust-registry-server: ${warning}\n`)
    return print(describeConfig(loaded))
  },
} satisfies Record<string, (loaded: LoadedConfig) => Promise<number>>

function isCommand(word: string): word is keyof typeof COMMANDS {
  return Object.hasOwn(COMMANDS, word)
}

function openLog({ config, warnings }: LoadedConfig) {
  const log = createLog(config.logLevel)
  if (cluster.isPrimary) for (const warning of warnings) log.warn(warning)
  return log
}

const OPTIONS = {
  ...Object.fromEntries(
    rows().map(
      ([, row]) => [flagOf(row), { type: row === settings.allowInsecure ? "boolean" : "string" }] as const,
    ),
  ),
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "v" },
  markdown: { type: "boolean" },
} as const

const USAGE = `trust-registry-server COMMAND [FLAGS]

  serve                serve the registry until SIGTERM, SIGINT or SIGHUP; a second SIGTERM or SIGINT ends it at once
  migrate              bring the database schema up to date and exit
  config               print the settings in force; --markdown: all settings as a documentation page
  --help, --version

Each setting is an environment variable or a flag; the flag takes precedence (config shows the settings in force):

${describeFlags()}

Exit codes: 0 clean stop, 1 failure, 2 invalid command, flag or setting.`

function complain(positionals: readonly string[]): number {
  // A DATABASE_URL that lost its flag holds a password.
  const shown = positionals.map((text) => (/^[\w.-]+$/.test(text) ? text : "***"))
  const what = shown.length === 0 ? "no command" : `no such command: ${shown.join(" ")}`
  process.stderr.write(`trust-registry-server: ${what}; see --help\n`)
  return 2
}

function print(text: string): number {
  process.stdout.write(`${text}\n`)
  return 0
}

function isUsageError(error: unknown) {
  return String((error as { code?: unknown }).code).startsWith("ERR_PARSE_ARGS")
}

/** Expected errors need only their message; any other error is printed with its stack. */
function messageOf(error: unknown) {
  if (!(error instanceof Error)) return String(error)
  const foreseen =
    error instanceof ConfigError || error instanceof EmbeddedPostgresError || isUsageError(error)
  return foreseen || error.cause !== undefined ? error.message : error.stack
}
