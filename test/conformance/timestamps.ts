import { type JsonObject, parseTime } from "@trust-registry/eatp"
import { type Checker, judge, nameOf, objectAt, objectsAt, same, textAt } from "./vectors.js"

/** timestamps.json: what Python 3.11's fromisoformat makes of a text. */
export const timestamps: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => check(vector))
  }
}

function check(vector: JsonObject): void {
  const expected = objectAt(vector, "expected")
  const time = parseTime(textAt(vector, "input"))
  if (expected.has("error")) {
    same("parsed", time?.isoformat, undefined)
    return
  }
  same("isoformat", time?.isoformat, expected.get("isoformat"))
  same("aware", time?.aware, expected.get("aware"))
  same("utc_iso", time?.utcMicros === undefined ? null : utcIso(time.utcMicros), expected.get("utc_iso"))
}

function utcIso(utcMicros: bigint): string {
  const micros = ((utcMicros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((utcMicros - micros) / 1000n)).toISOString().slice(0, 19)
  return `${seconds}${micros === 0n ? "" : `.${String(micros).padStart(6, "0")}`}+00:00`
}
