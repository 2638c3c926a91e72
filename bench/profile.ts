import { readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { columns } from "./table.js"

/** The used parts of a CPU profile as V8 writes it. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
}

/** Summarizes the profiles of a folder by package, then by function, and deletes them. */
export async function profileText(folder: string): Promise<string> {
  const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".cpuprofile"))
  const texts: string[] = []
  for (const file of files) {
    const profile = JSON.parse(await readFile(join(folder, file), "utf8")) as CpuProfile
    texts.push(sharesText("owner", sharesOf(profile, ownerOf)))
    texts.push(sharesText("function", sharesOf(profile, functionOf).slice(0, MOST)))
    await rm(join(folder, file))
  }
  return texts.join("\n\n")
}

const MOST = 40

type Frame = CpuProfile["nodes"][number]["callFrame"]

/** Self time by the names that `nameOf` returns, largest first, as shares of the non-idle time. */
export function sharesOf(
  { nodes, samples }: CpuProfile,
  nameOf: (frame: Frame) => string,
): [number, string][] {
  const names = new Map(
    nodes.map(({ id, callFrame }) => [id, callFrame.functionName === "(idle)" ? "" : nameOf(callFrame)]),
  )
  const counts = new Map<string, number>()
  let busy = 0
  for (const sample of samples) {
    const name = names.get(sample) ?? ""
    if (name === "") continue
    busy++
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]): [number, string] => [count / busy, name]).sort(([a], [b]) => b - a)
}

/** The owner of a function: an npm package, a part of this project, or a part of Node. */
export function ownerOf({ functionName, url }: Frame): string {
  const dependency = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]
  if (dependency !== undefined) return dependency
  const ours = /\/(proto|eatp|server|client)\/(?:dist\/)?(?:([^/]+)\/)?/.exec(url)
  if (ours) return `${ours[1]}${ours[2] === undefined ? "" : `/${ours[2]}`}`
  if (functionName.startsWith("(")) return functionName
  return url.startsWith("node:") ? (url.split("/").slice(0, 2).join("/") as string) : "native code"
}

function functionOf(frame: Frame) {
  return `${frame.functionName || "(anonymous)"} ${frame.url.replace(/^.*\/(?=[^/]+\/[^/]+$)/, "")}:${frame.lineNumber + 1}`
}

function sharesText(head: string, shares: readonly [number, string][]) {
  return columns([["share", head], ...shares.map(([share, name]) => [`${(share * 100).toFixed(1)} %`, name])])
}
