import { readFileSync } from "node:fs"
import type { TrustRegistry } from "../connect.js"
import type { Command } from "./command.js"
import { COMMANDS } from "./commands.js"
import { errorReportOf, errorText, reportError } from "./errorReport.js"
import { connectBy, countOf } from "./flags/flags.js"
import { parse } from "./flags/parse.js"
import { commandHelp, generalHelp, groupHelp } from "./help.js"
import { EXIT, exitCodeOf } from "./output/exit.js"
import { type Output, outputTo } from "./output/output.js"
import { UsageError } from "./usage.js"

/** Runs the command line of `trust-registry` on the process's own input and output. Returns the exit code. */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [out, err] = [outputTo(process.stdout), outputTo(process.stderr)]
  const json = argv.includes("--json")
  handleOutputErrors(json, err)
  try {
    return await dispatch([...argv], env, out, err)
  } catch (error) {
    await printError(json, err, error)
    return exitCodeOf(error)
  }
}

/** `export | head` is not a failure, a full disk is. A closed standard error must not stop the work. */
function handleOutputErrors(json: boolean, err: Output) {
  process.stdout.on("error", async ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") process.exit(EXIT.done)
    await printError(json, err, new Error(`cannot write standard output: ${code}`))
    process.exit(EXIT.failed)
  })
  process.stderr.on("error", () => undefined)
}

async function printError(json: boolean, err: Output, error: unknown) {
  const hint = error instanceof UsageError ? "; see --help" : ""
  if (json) await reportError({ json, err }, errorReportOf(error))
  else await err.line(`trust-registry: ${errorText(errorReportOf(error))}${hint}`)
}

async function dispatch(argv: string[], env: NodeJS.ProcessEnv, out: Output, err: Output): Promise<number> {
  const [name, ...args] = argv
  if (name === "--version") return await show(out, versionText())
  if (name === "--help" || name === "-h" || name === "help") return await show(out, generalHelp())
  if (name === undefined) throw new UsageError("no command given")
  if (name.startsWith("-")) throw new UsageError(`no command given: it comes before flags such as ${name}`)
  const group = Object.keys(COMMANDS).filter((full) => full.startsWith(`${name} `))
  if (group.length > 0) return await dispatchIn(group, name, args, env, out, err)
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) throw new UsageError(`unknown command ${name}`)
  return await run(name, command, args, env, out, err)
}

/** Runs a command whose name has two words. */
async function dispatchIn(
  group: readonly string[],
  name: string,
  argv: string[],
  env: NodeJS.ProcessEnv,
  out: Output,
  err: Output,
): Promise<number> {
  const [word, ...args] = argv
  if (word === "--help" || word === "-h") return await show(out, groupHelp(name, group))
  const full = `${name} ${word}`
  const command = group.includes(full) ? COMMANDS[full] : undefined
  if (!command)
    throw new UsageError(word === undefined ? `${name} needs a command` : `unknown command ${full}`)
  return await run(full, command, args, env, out, err)
}

async function run(
  name: string,
  command: Command,
  argv: string[],
  env: NodeJS.ProcessEnv,
  out: Output,
  err: Output,
): Promise<number> {
  const { values, positionals } = parse(command, argv)
  if (values.help) return await show(out, commandHelp(name, command))
  const [least, most] = command.arity
  if (positionals.length < least) throw new UsageError(`${name} needs ${command.args}`)
  if (positionals.length > most) throw new UsageError(`${name} does not take ${positionals[most]}`)
  let registry: TrustRegistry | undefined
  try {
    return await command.run({
      values,
      args: positionals,
      json: values.json === true,
      out,
      err,
      timeoutMs: countOf(values, "timeout-ms"),
      registry: (defaults) => (registry = connectBy(values, env, defaults)),
    })
  } finally {
    registry?.close()
  }
}

async function show(out: Output, text: string) {
  await out.line(text)
  return EXIT.done
}

function versionText(): string {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version
}
