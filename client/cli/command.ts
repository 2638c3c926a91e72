import type { TrustRegistry } from "../connect.js"
import type { CallOptions } from "../options.js"
import type { Output } from "./output/output.js"

/** A flag of a command. */
export interface Flag {
  type: "string" | "boolean"
  /** Whether it may be given more than once. */
  multiple?: true
  /** Whether the command does not do without it, and not with an empty one. */
  required?: true
  /** The least and the most of a flag that takes a whole number. */
  bounds?: readonly [bigint, bigint]
  /** The only words that it takes. */
  choices?: readonly string[]
  /** What stands for the value in `--help`, for example `FILE`. */
  value?: string
  /** One letter that means the same. */
  short?: string
  /** What it does, with its default. */
  help: string
}

/** The values given for flags. */
export type Values<Flags> = {
  [Name in keyof Flags as Flags[Name] extends { required: true } ? Name : never]: Value<Flags[Name]>
} & {
  [Name in keyof Flags as Flags[Name] extends { required: true } ? never : Name]?: Value<Flags[Name]>
}

type Value<One> = One extends { type: "boolean" }
  ? boolean
  : One extends { multiple: true }
    ? string[]
    : One extends { choices: readonly (infer Word)[] }
      ? Word
      : string

/** A command as it was called. */
export interface Invocation<Flags = Record<never, Flag>> {
  values: Values<Flags>
  args: string[]
  /** Whether programs will read what is written. */
  json: boolean
  out: Output
  err: Output
  /** What `--timeout-ms` says. */
  timeoutMs: number | undefined
  /** The registry that the flags name; closed when the command ends. */
  registry(defaults?: Pick<CallOptions, "timeoutMs">): TrustRegistry
}

/** A command of the command line. */
export interface Command<Flags = Record<string, Flag>> {
  /** What stands behind its name, for example `AGENT...`. */
  args: string
  /** How many arguments it takes: at least and at most. */
  arity: readonly [number, number]
  /** One line for the list of commands. */
  summary: string
  /** More, for its own help. */
  details?: string
  /** Command lines that work, without `trust-registry`. */
  examples: readonly string[]
  flags: Flags
  /** Whether it speaks to a registry. */
  offline?: boolean
  /** Does it; gives the exit code. */
  run(invocation: Invocation<Flags>): Promise<number>
}

/** Checks a command's flags against their use. */
export function command<const Flags extends Record<string, Flag>>(definition: Command<Flags>): Command {
  // The table of commands holds all of them as one type; parsing gives each the values of its own flags.
  return definition as unknown as Command
}
