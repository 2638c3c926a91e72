import { type ParseArgsConfig, parseArgs } from "node:util"
import { INSTANT_FORM, parseInstant, parseWholeNumber } from "@trust-registry/eatp"
import type { Command, Flag } from "../command.js"
import { UsageError } from "../usage.js"
import { CONNECTION_FLAGS, GENERAL_FLAGS } from "./flags.js"

/** Parses the flags and arguments of a command. Throws a UsageError for unknown ones. */
export function parse(command: Command, args: readonly string[]) {
  const flags: Record<string, Flag> = {
    ...command.flags,
    ...(command.offline ? {} : CONNECTION_FLAGS),
    ...GENERAL_FLAGS,
  }
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { type, short, multiple = false }]) => [
      name,
      { type, multiple, ...(short ? { short } : {}) },
    ]),
  )
  const { values, positionals } = parsed({
    args: withNumbersJoined(args, flags),
    options,
    allowPositionals: true,
  })
  if (!values.help) for (const [name, flag] of Object.entries(flags)) assertChoice(name, flag, values[name])
  if (!values.help) for (const [name, flag] of Object.entries(flags)) assertForm(name, flag, values[name])
  if (!values.help) for (const [name, flag] of Object.entries(flags)) assertGiven(name, flag, values[name])
  // parseArgs gives each flag the type in its definition.
  return { values: values as Record<string, string & boolean>, positionals }
}

function parsed<Config extends ParseArgsConfig>(config: Config) {
  try {
    return parseArgs(config)
  } catch (error) {
    throw new UsageError(error instanceof Error ? plainMessage(error.message) : String(error))
  }
}

function assertChoice(name: string, { choices }: Flag, value: unknown) {
  if (choices === undefined || value === undefined || choices.includes(String(value))) return
  throw new UsageError(`--${name} must be one of ${choices.join(", ")}`)
}

/** For all commands at once, so that each reads a time or a number in the same way. */
function assertForm(name: string, { value: form, bounds }: Flag, value: unknown) {
  if (value === undefined) return
  if (form === "TIME" && !parseInstant(String(value)))
    throw new UsageError(`--${name} must be ${INSTANT_FORM}`)
  if (bounds && parseWholeNumber(String(value), ...bounds) === undefined)
    throw new UsageError(`--${name} must be a whole number from ${bounds[0]} to ${bounds[1]}`)
}

function assertGiven(name: string, { required }: Flag, value: unknown) {
  if (required && (value === undefined || value === "")) throw new UsageError(`--${name} is required`)
}

/** Turns `--limit -1` into `--limit=-1`: parseArgs would report -1 as an ambiguous flag, not as an invalid limit. */
function withNumbersJoined(args: readonly string[], flags: Record<string, Flag>): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const before = /^--(.+)$/.exec(joined.at(-1) ?? "")?.[1] ?? ""
    const wanted = Object.hasOwn(flags, before) && flags[before]?.type === "string"
    if (wanted && /^-\d/.test(arg)) joined.push(`${joined.pop()}=${arg}`)
    else joined.push(arg)
  }
  return joined
}

/** Drops the advice of parseArgs on how to pass a flag as an argument. */
function plainMessage(message: string) {
  const flag = /^Option '(?:-\w, )?(--[\w-]+)(?: <value>)?' argument is ambiguous/.exec(message)?.[1]
  if (flag) return `${flag} needs a value; for one that starts with a dash, write ${flag}=-...`
  return message.replace(/\. .*$/s, "")
}
