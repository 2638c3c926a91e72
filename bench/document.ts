import { readFile, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { figures } from "./figures.js"
import { plot } from "./plots.js"
import type { Result, Results } from "./results.js"
import {
  MEASURED_HEADS,
  markdownTable,
  measuredRows,
  originText,
  RATIO_HEADS,
  ratioRows,
  remarks,
} from "./table.js"

const BEGIN = "<!-- npm run bench writes from here -->"
const END = "<!-- to here -->"

/** Writes the results between the marks of the document, and their plots beside it. */
export async function writeDocument(path: string, results: Results): Promise<void> {
  const text = await readFile(path, "utf8")
  await writeFile(path, withGenerated(text, await generatedPart(results, dirname(path))))
}

/** The text with a new part between the marks. Throws an Error if the marks are missing. */
export function withGenerated(text: string, part: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`the document has no part between ${BEGIN} and ${END}`)
  return `${text.slice(0, begin + BEGIN.length)}\n\n${part}\n\n${text.slice(end)}`
}

async function generatedPart({ machine, figures: found }: Results, folder: string) {
  const results = figures.flatMap(({ name }) => found[name] ?? [])
  const parts = [
    `Machine: ${machine}.`,
    markdownTable(RATIO_HEADS, results.flatMap(ratioRows)),
    "### The numbers",
    markdownTable(MEASURED_HEADS, results.flatMap(measuredRows)),
    "### Figure by figure",
    figures.map(({ name }) => sectionOf(name, found[name])).join("\n"),
  ]
  for (const curve of results.flatMap(({ curves = [] }) => curves))
    parts.push(`![${curve.title}](${await plot(curve, folder)})`)
  return parts.join("\n\n")
}

function sectionOf(name: string, result: Result | undefined) {
  if (!result) return `- \`${name}\`: not measured on this machine.`
  const facts = [...remarks(result), `${originText(result)}, ${result.minutes} min`]
  return `- \`${name}\`: ${facts.join("; ")}.`
}
