// npm run bench [-- NAME…] [--list] [--compare REV] [--rounds N] [--seconds N] [--profile] [--document]: see docs/performance.md.
import { join } from "node:path"
import { parseArgs } from "node:util"
import { checkOut, workingCommit } from "./checkout.js"
import { type Change, changesOf, numbersChanged, WORSE } from "./compare.js"
import { writeDocument } from "./document.js"
import { type Evaluated, evaluate, type Figure } from "./figure.js"
import { figures } from "./figures.js"
import { type Labs, openLabs } from "./lab.js"
import { pinning } from "./processes.js"
import { profileText } from "./profile.js"
import { machineName, type Result, readResults, writeResults } from "./results.js"
import {
  columns,
  MEASURED_HEADS,
  measuredRows,
  numberText,
  RATIO_HEADS,
  ratioRows,
  remarks,
} from "./table.js"

const PROJECT = join(import.meta.dirname, "..")
const RESULTS = join(import.meta.dirname, "results.json")
const DOCUMENT = join(PROJECT, "docs", "performance.md")

/** The reason of an interrupted run. */
const STOPPED = new Error("stopped")
/** How many times each commit is measured in a comparison. */
const COMPARE_TURNS = 2

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: "boolean", default: false },
    compare: { type: "string" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    profile: { type: "boolean", default: false },
    document: { type: "boolean", default: false },
  },
})

const say = (text: string) => process.stdout.write(`${text}\n`)
const chosen = choose(names)
if (flags.list) for (const figure of figures) say(listed(figure))
else if (flags.document) await writeDocument(DOCUMENT, await readResults(RESULTS))
else await measure()

async function measure() {
  const rounds = countOf("--rounds", flags.rounds)
  const times = { warmSeconds: 1, seconds: countOf("--seconds", flags.seconds) }
  const labs = await openLabs({ rounds, times, profile: flags.profile, say })
  const stopped = new Promise<never>((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => reject(STOPPED))
  })
  const work = flags.compare === undefined ? measureHere(labs) : compareWith(labs, flags.compare)
  // When its processes are ended, a measurement in progress fails.
  work.catch(() => undefined)
  try {
    say(machineName())
    await Promise.race([work, stopped])
    await labs.end()
  } catch (error) {
    await labs.end()
    if (error !== STOPPED) throw error
    say("stopped; all processes have been ended")
    // Without this, the remaining figures would still run.
    process.exit(130)
  }
}

async function measureHere(labs: Labs) {
  const began = performance.now()
  const done: Evaluated[] = []
  const failed: string[] = []
  for (const figure of chosen) {
    try {
      done.push(await measureOne(labs, figure))
    } catch (error) {
      // The other figures can still be measured.
      say(`  not measured: ${(error as Error).stack}`)
      failed.push(`${figure.name} could not be measured: ${(error as Error).message}`)
      process.exitCode = 1
    }
  }
  say(`\n${columns([RATIO_HEADS, ...done.flatMap(ratioRows)])}`)
  say(`\n${columns([MEASURED_HEADS, ...done.flatMap(measuredRows)])}`)
  for (const remark of new Set([...done.flatMap(remarks), ...failed])) say(`\n${remark}`)
  const written = flags.profile
    ? "nothing is written"
    : "written to bench/results.json and docs/performance.md"
  say(`\n${pinning()}; it took ${minutesSince(began)} minutes; ${written}`)
}

async function measureOne(labs: Labs, figure: Figure): Promise<Evaluated> {
  say(`\n${figure.name}: ${figure.title}`)
  const began = performance.now()
  const evaluated = evaluate(figure, await labs.within((lab) => figure.run(lab)))
  if (labs.profiles !== undefined) {
    // Profiling slows the registry down, so the results are not kept.
    say(await profileText(labs.profiles))
    return evaluated
  }
  const at = new Date().toISOString()
  const result: Result = { ...evaluated, at, commit: await workingCommit(), minutes: minutesSince(began) }
  const results = await readResults(RESULTS)
  await writeResults(RESULTS, { ...results, figures: { ...results.figures, [figure.name]: result } })
  await writeDocument(DOCUMENT, await readResults(RESULTS))
  return evaluated
}

/** Measures both commits in turn (old, new, old, new), each figure as a whole, so that their servers never run at once. */
async function compareWith(labs: Labs, revision: string) {
  const old = await checkOut(revision)
  try {
    const changes: Change[] = []
    for (const figure of chosen) {
      say(`\n${figure.name}: ${figure.title}`)
      changes.push(...(await compareOne(labs, figure, old.folder)))
    }
    const rows = changes.map(({ figure, what, before, after, better }) => [
      figure,
      what,
      numberText(before),
      numberText(after),
      numberText(better),
      better < WORSE ? "WORSE" : "",
    ])
    say(`\n${columns([["figure", "what", old.commit, "here", "times better", ""], ...rows])}`)
    const worse = changes.filter(({ better }) => better < WORSE)
    say(`\n${worse.length} of ${changes.length} are worse by a fifth or more`)
    if (worse.length > 0) process.exitCode = 1
  } finally {
    await old.remove()
  }
}

async function compareOne(labs: Labs, figure: Figure, oldRoot: string): Promise<Change[]> {
  const before: Evaluated[] = []
  const after: Evaluated[] = []
  for (let turn = 0; turn < COMPARE_TURNS; turn++) {
    for (const [root, found] of [
      [oldRoot, before],
      [PROJECT, after],
    ] as const) {
      say(` ${root === PROJECT ? "here" : flags.compare}:`)
      try {
        found.push(evaluate(figure, await labs.within((lab) => figure.run(lab), root)))
      } catch (error) {
        say(`  not measured: ${(error as Error).message}`)
      }
    }
  }
  const [was, is] = [together(figure, before), together(figure, after)]
  // Ratios are less sensitive to noise than absolute numbers, and a peer's numbers are not ours.
  const ofRatios = changesOf(figure.name, was.ratios, is.ratios)
  return ofRatios.length > 0 ? ofRatios : numbersChanged(figure.name, was.measured, is.measured)
}

/** Merges the rounds of several runs into one. */
function together(figure: Figure, runs: readonly Evaluated[]): Evaluated {
  const [first] = runs
  const measured = (first?.measured ?? []).map((side) => ({
    ...side,
    values: runs.flatMap((run) => run.measured.find(({ name }) => name === side.name)?.values ?? []),
  }))
  return evaluate(figure, { measured })
}

function choose(wanted: readonly string[]): readonly Figure[] {
  const unknown = wanted.filter((name) => !figures.some((figure) => figure.name === name))
  if (unknown.length > 0) {
    say(`No such figure: ${unknown.join(", ")}. Figures: ${figures.map(({ name }) => name).join(", ")}`)
    process.exit(2)
  }
  if (wanted.length === 0) return figures.filter(({ onlyByName = false }) => !onlyByName)
  return figures.filter(({ name }) => wanted.includes(name))
}

function listed({ name, title, ratios, onlyByName = false }: Figure) {
  const against = ratios.map(({ of, to, least, most }) => {
    const goal = least === undefined ? (most === undefined ? "" : ` <= ${most}`) : ` >= ${least}`
    return `    ${of} / ${to}${goal}`
  })
  return [`${name}: ${title}${onlyByName ? " (only by name)" : ""}`, ...against].join("\n")
}

function countOf(flag: string, text: string) {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  say(`${flag} must be a whole number from 1 to 9999, not ${text}`)
  process.exit(2)
}

function minutesSince(began: number) {
  return Math.round((performance.now() - began) / 6_000) / 10
}
