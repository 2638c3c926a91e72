import { parseClock, parseZone, zoneStart } from "./timeClock.js"
import { type CalendarDate, daysSinceEpoch, isRealDate, parseDate, separatorAt } from "./timeDate.js"

/** A parsed time. */
export type ParsedTime = {
  /** Whether it has an offset from UTC. Without one it is naive and names no instant. */
  aware: boolean
  /** The time as Python's `isoformat()` writes it, which is what EATP signs. */
  isoformat: string
  /** Microseconds since 1970 UTC; undefined for a naive time. */
  utcMicros: bigint | undefined
}

/**
 * Reads a time as Python 3.11's `datetime.fromisoformat` does, oddities included: any separator, week dates, compact
 * forms, `,` before fractions, more than six digits cut off, seconds in offsets. Undefined if that raises ValueError.
 */
export function parseTime(text: string): ParsedTime | undefined {
  const time = readTime(text)
  if (time === undefined) return undefined
  const { date, clock, offsetMicros } = time
  const [hour, minute, second, micros] = clock
  const seconds = daysSinceEpoch(date) * 86400 + hour * 3600 + minute * 60 + second
  const aware = offsetMicros !== undefined
  return {
    aware,
    isoformat: isoDate(date) + isoClock(clock) + (aware ? isoOffset(offsetMicros) : ""),
    utcMicros: aware ? BigInt(seconds) * 1_000_000n + BigInt(micros - offsetMicros) : undefined,
  }
}

/** The instant that a time names, in microseconds since 1970 UTC; undefined for a naive time, for other text, and if unset. */
export function instantOf(text: string | undefined): bigint | undefined {
  return text === undefined ? undefined : parseTime(text)?.utcMicros
}

/** Whether a time has an offset from UTC, at a fraction of the cost of {@link parseTime}; undefined if that is. */
export function isAwareTime(text: string): boolean | undefined {
  const time = readTime(text)
  return time && time.offsetMicros !== undefined
}

type Clock = readonly [hour: number, minute: number, second: number, micros: number]
type TimeOfDay = { clock: Clock; offsetMicros: number | undefined }

function readTime(text: string): ({ date: CalendarDate } & TimeOfDay) | undefined {
  const clean = text.isWellFormed() ? text : withoutLoneSeparator(text)
  if (clean === undefined || clean.length < 7) return undefined
  const separator = separatorAt(clean)
  const date = parseDate(clean, separator)
  if (date === undefined || !isRealDate(date)) return undefined
  const time = clockBehind(clean, separator)
  if (time === undefined) return undefined
  const [hour, minute, second] = time.clock
  if (hour > 23 || minute > 59 || second > 59) return undefined
  return { date, clock: time.clock, offsetMicros: time.offsetMicros }
}

const DAY_MICROS = 86_400_000_000

// CPython replaces one lone surrogate by "T" where a separator may be, and refuses any other.
function withoutLoneSeparator(text: string): string | undefined {
  for (const at of [7, 8, 10]) {
    const unit = text.charCodeAt(at)
    if (unit < 0xd800 || unit > 0xdfff) continue
    const clean = `${text.slice(0, at)}T${text.slice(at + 1)}`
    return clean.isWellFormed() ? clean : undefined
  }
  return undefined
}

function clockBehind(text: string, separator: number): TimeOfDay | undefined {
  if (text.length <= separator) return { clock: [0, 0, 0, 0], offsetMicros: undefined }
  const start = separator + ((text.codePointAt(separator) ?? 0) > 0xffff ? 2 : 1)
  const zone = zoneStart(text, start)
  const clock = parseClock(text, start, zone)
  if (clock === undefined) return undefined
  if (zone === text.length)
    return clock.leftOver ? undefined : { clock: clock.parts, offsetMicros: undefined }
  const offsetMicros = parseZone(text, zone)
  if (offsetMicros === undefined || Math.abs(offsetMicros) >= DAY_MICROS) return undefined
  return { clock: clock.parts, offsetMicros }
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0")
}

function isoDate({ year, month, day }: CalendarDate): string {
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T`
}

function isoClock([hour, minute, second, micros]: Clock): string {
  const fraction = micros === 0 ? "" : `.${pad(micros, 6)}`
  return `${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}${fraction}`
}

function isoOffset(offsetMicros: number): string {
  const size = Math.abs(offsetMicros)
  const seconds = Math.floor(size / 1_000_000)
  const clock = isoClock([
    Math.floor(seconds / 3600),
    Math.floor(seconds / 60) % 60,
    seconds % 60,
    size % 1_000_000,
  ])
  const short = seconds % 60 === 0 && size % 1_000_000 === 0
  return (offsetMicros < 0 ? "-" : "+") + (short ? clock.slice(0, 5) : clock)
}
