import type { TrustRegistry } from "../connect.js"
import type { CallOptions } from "../options.js"
import type { Output } from "./output/output.js"

/** A flag of a command. */
export interface Flag {
  type: "string" | "boolean"
  /** Whether it can be given more than once. */
  multiple?: true
  /** Whether the command requires it, with a value that is not empty. */
  required?: true
  /** The least and the most of a flag that takes a whole number. */
  bounds?: readonly [bigint, bigint]
  /** The only words that it takes. */
  choices?: readonly string[]
  /** The placeholder for the value in `--help`, for example `FILE`. */
  value?: string
  /** A short form of one letter. */
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

/** One run of a command. */
export interface Invocation<Flags = Record<never, Flag>> {
  values: Values<Flags>
  args: string[]
  /** Whether to write JSON, for programs. */
  json: boolean
  out: Output
  err: Output
  /** The value of `--timeout-ms`. */
  timeoutMs: number | undefined
  /** Connects to the registry that the flags name; closed when the command ends. */
  registry(defaults?: Pick<CallOptions, "timeoutMs">): TrustRegistry
}

/** A command of the command line. */
export interface Command<Flags = Record<string, Flag>> {
  /** Its arguments in `--help`, for example `AGENT...`. */
  args: string
  /** The least and the most arguments that it takes. */
  arity: readonly [number, number]
  /** One line for the list of commands. */
  summary: string
  /** More text for its own help. */
  details?: string
  /** Command lines that work, without `trust-registry`. */
  examples: readonly string[]
  flags: Flags
  /** Whether it works without a registry. */
  offline?: boolean
  /** Runs the command and returns the exit code. */
  run(invocation: Invocation<Flags>): Promise<number>
}

/** Defines a command, and makes the compiler check the use of its flags. */
export function command<const Flags extends Record<string, Flag>>(definition: Command<Flags>): Command {
  // The table of commands has one type for all; parsing gives each command the values of its own flags.
  return definition as unknown as Command
}
