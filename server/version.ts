import { readFileSync, statSync } from "node:fs"

/** The version of this package, with the commit that it was built from if that is known: `0.2.0+COMMIT`, `….dirty` with other changes. */
export function serverVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
  const commit = builtCommit()
  return commit === "" ? String(version) : `${version}+${commit}`
}

/** What the build noted (package.json, Dockerfile). Once something was compiled after that, the commit is unknown. */
function builtCommit(): string {
  try {
    const note = new URL("./commit", import.meta.url)
    const compiled = statSync(new URL("./.tsbuildinfo", import.meta.url), { throwIfNoEntry: false })
    if (compiled && compiled.mtimeMs > statSync(note).mtimeMs) return ""
    const text = readFileSync(note, "utf8").trim()
    return /^[0-9a-f]{12,40}(\.dirty)?$/.test(text) ? text : ""
  } catch {
    return ""
  }
}
