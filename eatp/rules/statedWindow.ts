/** A window of the day as a constraint states it, in minutes; `from` is later than `until` in one over midnight. */
export type StatedWindow = {
  from: number
  until: number
  /** The clock that it is stated by: minutes east of UTC, or an IANA zone. Unset: the clock of the time of the request. */
  clock?: number | string
}

/**
 * Reads `HH:MM-HH:MM`, with an offset (`+02:00`, `Z`) or an IANA zone (`Europe/Berlin`) behind it if the window is stated by
 * one. Undefined for any other text, and for a window without length.
 */
export function statedWindow(text: string): StatedWindow | undefined {
  const [, from = "", until = "", clock = ""] = WINDOW.exec(text) ?? []
  const [start, end] = [minutesOf(from), minutesOf(until)]
  if (start === undefined || end === undefined || start === 1440 || start === end) return undefined
  const stated = clockOf(clock)
  if (stated === undefined) return undefined
  return { from: start, until: end, ...(stated === "" ? {} : { clock: stated }) }
}

/**
 * Whether a time lies in a window, its end excluded; undefined if the window has a clock of its own and the time names no
 * instant, or if nobody knows the zone.
 *
 * @param minute the time's own minute of the day
 */
export function liesWithin(
  { from, until, clock }: StatedWindow,
  minute: number,
  instant: bigint | undefined,
): boolean | undefined {
  const now = clock === undefined ? minute : minuteBy(clock, instant)
  if (now === undefined) return undefined
  return from < until ? now >= from && now < until : now >= from || now < until
}

const WINDOW = /^ *(\d{1,2}:\d{2}) *- *(\d{1,2}:\d{2}) *([A-Za-z+-][\w+:/-]{0,63})? *$/
const OFFSET = /^([+-])(\d{2}):?(\d{2})$/

function minutesOf(text: string): number | undefined {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? []
  const [hour, minute] = [Number(hours), Number(minutes)]
  if (hour === 24 && minute === 0) return 1440
  return hour <= 23 && minute <= 59 ? hour * 60 + minute : undefined
}

function clockOf(text: string): number | string | undefined {
  if (text === "") return ""
  if (/^(z|utc|gmt)$/i.test(text)) return 0
  const [, sign, hours, minutes] = OFFSET.exec(text) ?? []
  if (sign !== undefined) {
    const east = Number(hours) * 60 + Number(minutes)
    return Number(hours) <= 23 && Number(minutes) <= 59 ? (sign === "-" ? -east : east) : undefined
  }
  return text.startsWith("+") || text.startsWith("-") || !hasZone(text) ? undefined : text
}

function minuteBy(clock: number | string, instant: bigint | undefined): number | undefined {
  if (instant === undefined) return undefined
  if (typeof clock === "number") {
    const minute = (Number(instant / 60_000_000n) + clock) % 1440
    return minute < 0 ? minute + 1440 : minute
  }
  const parts = zoneOf(clock)?.formatToParts(Number(instant / 1000n)) ?? []
  const part = (type: string) => Number(parts.find((found) => found.type === type)?.value ?? Number.NaN)
  const minute = part("hour") * 60 + part("minute")
  return Number.isNaN(minute) ? undefined : minute
}

function hasZone(name: string): boolean {
  return zoneOf(name) !== undefined
}

// To make one takes as long as a hundred rules; there are some six hundred zones, and spellings of each.
const ZONES = new Map<string, Intl.DateTimeFormat | undefined>()
const MOST_ZONES = 1_000

function zoneOf(name: string): Intl.DateTimeFormat | undefined {
  const key = name.toLowerCase()
  if (!ZONES.has(key)) {
    if (ZONES.size >= MOST_ZONES) ZONES.clear()
    ZONES.set(key, openZone(name))
  }
  return ZONES.get(key)
}

function openZone(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat("en", { timeZone, hourCycle: "h23", hour: "2-digit", minute: "2-digit" })
  } catch {
    return undefined
  }
}
