import { readFile, stat } from "node:fs/promises"
import { DatabaseUnfit } from "./failure.js"
import type { Host, Target } from "./target.js"

/** The password for a host: the target's own, or the first of its file that fits; empty if there is none. */
export async function passwordFor(target: Target, { host, port }: Host): Promise<string> {
  if (target.password !== "" || target.passfile === "") return target.password
  const wanted = [host.startsWith("/") ? "localhost" : host, String(port), target.database, target.user]
  for (const line of (await linesOf(target.passfile)).filter((line) => !line.startsWith("#"))) {
    const fields = fieldsOf(line)
    if (fields.length >= 5 && wanted.every((text, place) => fields[place] === "*" || fields[place] === text))
      return fields.slice(4).join(":")
  }
  return ""
}

async function linesOf(path: string) {
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0) throw new Error("others can read it (chmod 600)")
    return (await readFile(path, "utf8")).split(/\r?\n/)
  } catch (cause) {
    throw new DatabaseUnfit(`the file of passfile cannot be used: ${(cause as Error).message}`, { cause })
  }
}

/** `host:port:database:user:password`, with `\:` for a colon and `\\` for a backslash. */
function fieldsOf(line: string): string[] {
  const fields = [""]
  for (const [piece] of line.matchAll(/\\.|:|[^\\:]+|\\$/gs)) {
    if (piece === ":") fields.push("")
    else fields.push(`${fields.pop()}${piece.startsWith("\\") ? piece.slice(1) : piece}`)
  }
  return fields
}
