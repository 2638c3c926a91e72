import type { Command, Flag } from "./command.js"
import { COMMANDS } from "./commands.js"
import { CONNECTION_FLAGS, GENERAL_FLAGS } from "./flags/flags.js"
import { EXIT_MEANINGS } from "./output/exit.js"

const NAME = "trust-registry"
const WIDTH = 80

/** Returns the help of the whole command line. */
export function generalHelp(): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => row(name, summary))
  const codes = Object.entries(EXIT_MEANINGS).map(([code, meaning]) => row(code, meaning))
  return section([
    [`${NAME} COMMAND [FLAGS] [ARGUMENTS]`],
    ["Commands:", ...commands],
    [
      "Flags of every command that connects to a registry:",
      ...flagRows({ ...CONNECTION_FLAGS, ...GENERAL_FLAGS }),
    ],
    ["Exit codes:", ...codes],
    [`Run "${NAME} COMMAND --help" for the help of a command, "${NAME} --version" for the version.`],
  ])
}

/** Returns the help of commands that share their first word. */
export function groupHelp(word: string, names: readonly string[]): string {
  const commands = names.map((name) => row(name, COMMANDS[name]?.summary ?? ""))
  return section([
    [`${NAME} ${word} COMMAND [FLAGS] [ARGUMENTS]`],
    ["Commands:", ...commands],
    [`Run "${NAME} ${word} COMMAND --help" for the help of a command.`],
  ])
}

/** Returns the help of one command. */
export function commandHelp(name: string, command: Command): string {
  const { args, summary, details, flags, offline, examples } = command
  const shared = { ...(offline ? {} : CONNECTION_FLAGS), ...GENERAL_FLAGS }
  return section([
    [`${NAME} ${name} [FLAGS] ${args}`.trimEnd()],
    [`${summary[0]?.toUpperCase()}${summary.slice(1)}.`, ...wrap(details ?? "", "")],
    ["Examples:", ...examples.map((example) => `  ${NAME} ${example}`)],
    ["Flags:", ...flagRows(flags), ...flagRows(shared)],
  ])
}

function section(parts: string[][]) {
  return parts.map((lines) => lines.join("\n")).join("\n\n")
}

function flagRows(flags: Record<string, Flag>) {
  return Object.entries(flags).map(([name, { short, value, required, multiple, help }]) =>
    row(
      `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`,
      `${required ? "required: " : ""}${help}${multiple ? " (may be repeated)" : ""}`,
    ),
  )
}

const COLUMN = 26

function row(term: string, text: string) {
  return wrap(text, `  ${term} `.padEnd(COLUMN)).join("\n")
}

/** Wraps text at {@link WIDTH} columns. The first line starts with `head`, the others are indented to its width. */
function wrap(text: string, head: string): string[] {
  const lines: string[] = []
  let line = head
  for (const word of text.split(" ").filter(Boolean)) {
    if (line.length + word.length > WIDTH && line.trim() !== "") {
      lines.push(line.trimEnd())
      line = " ".repeat(head.length)
    }
    line += `${word} `
  }
  return line.trim() === "" ? lines : [...lines, line.trimEnd()]
}
