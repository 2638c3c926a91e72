import { maskUrl } from "../connection/mask.js"
import { type LoadedConfig, rows } from "./config.js"
import { flagOf, type Setting, settings } from "./settings.js"

/** The settings in force as a table for people; the password in DATABASE_URL is masked. */
export function describeConfig({ texts }: LoadedConfig): string {
  const lines = rows().map(([name, setting]) => {
    const { text, source } = texts.get(name) ?? { text: setting.default, source: "default" }
    const shown = setting === settings.databaseUrl ? maskUrl(text) : text
    return [setting.variable, shown === "" ? "-" : shown, setting.unit, source]
  })
  return align([["VARIABLE", "VALUE", "UNIT", "FROM"], ...lines])
}

/** All settings with their defaults as docs/configuration.md. */
export function configMarkdown(): string {
  return `${HEAD}${rows()
    .map(([, setting]) => markdownRow(setting))
    .join("\n")}\n`
}

/** The flags for `--help`, a line each, with unit and default. */
export function describeFlags(): string {
  return align(rows().map(([, setting]) => [`  --${flagOf(setting)}`, flagText(setting)]))
}

function flagText({ sentence, unit, default: text }: Setting<unknown>) {
  return `${sentence.replaceAll("`", "")} (${unit}; default: ${text === "" ? "none" : text})`
}

const HEAD = `# Configuration

<!-- Made by: trust-registry-server config --markdown > docs/configuration.md -->

The server reads its settings once, at start, from the environment; a flag of \`trust-registry-server\` goes before its
variable, and an empty text counts as not set. A setting that cannot be used stops the start, with exit code 2 and a line
that names it, its value and what is allowed; a variable that begins with \`TRUST_REGISTRY_\` and is no setting is told in the
log. \`trust-registry-server config\` prints the settings in force, with the password in DATABASE_URL masked.

| variable | flag | default | unit | what it does |
|---|---|---|---|---|
`

function markdownRow(setting: Setting<unknown>) {
  const text = setting.default === "" ? "" : `\`${setting.default}\``
  const cells = [`\`${setting.variable}\``, `\`--${flagOf(setting)}\``, text, setting.unit, setting.sentence]
  return `| ${cells.join(" | ")} |`
}

function align(lines: readonly (readonly string[])[]) {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  )
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")
}
