import type { Json } from "../json/json.js"
import { isoFromMicros } from "../time/isoTime.js"
import { instantOf, parseTime } from "../time/time.js"
import type { ConstraintRequest } from "./constraintEvaluation.js"
import { liesWithin, statedWindow } from "./statedWindow.js"

const DAY = 86_400_000_000n

/** Why a limit to business hours forbids an action: from 9 to 17, as by EATP's rule, and of working days only. */
export function offHours(request: ConstraintRequest): { reason: string } | undefined {
  const { text = "" } = timeOf(request) ?? {}
  const midnight = instantOf(`${text.slice(0, 10)}T00:00:00+00:00`)
  // 1970 began on a Thursday; 0 is Sunday.
  const day = midnight === undefined ? Number.NaN : Number((((midnight / DAY + 4n) % 7n) + 7n) % 7n)
  const hour = Number(text.slice(11, 13) || Number.NaN)
  if (day >= 1 && day <= 5 && hour >= 9 && hour < 17) return undefined
  return {
    reason: `Action not permitted outside business hours (${text === "" ? "current_time is not a time" : text})`,
  }
}

/** Why a time window forbids an action beyond what EATP's rule does, which takes every window for one from 9 to 17. */
export function outsideWindow(
  value: Json,
  request: ConstraintRequest,
): { reason: string } | { needs: string } | undefined {
  const window = typeof value === "string" ? statedWindow(value) : undefined
  if (window === undefined) return { needs: "a window such as 09:00-17:00 or 22:00-06:00 Europe/Berlin" }
  const time = timeOf(request)
  const minute = Number(time?.text.slice(11, 13)) * 60 + Number(time?.text.slice(14, 16))
  if (liesWithin(window, minute, time?.instant) === true) return undefined
  return { reason: `Action not permitted outside ${value}` }
}

// The context's time as written, or now in UTC; undefined for one that is no time, which EATP's rule forbids.
function timeOf({
  context,
  nowMicros,
}: ConstraintRequest): { text: string; instant: bigint | undefined } | undefined {
  const given = context.get("current_time")
  if (given === undefined) return { text: isoFromMicros(nowMicros), instant: nowMicros }
  const time = typeof given === "string" ? parseTime(given) : undefined
  return time && { text: time.isoformat, instant: time.utcMicros }
}
