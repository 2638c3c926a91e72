import { daysSinceEpoch, isRealDate } from "../time/timeDate.js"

/** What {@link parseInstant} reads, for messages: the form, and an example of it. */
export const INSTANT_FORM =
  "a time with an offset, of a day that exists, to the microsecond at most, for example 2030-01-31T00:00:00Z"

/**
 * Reads a moment that a person or a program gives: RFC 3339 with a capital T and Z, `2030-01-31T12:00:00.123456+01:00`. Undefined
 * for anything else, for a day or an hour that does not exist, for a leap second, for digits finer than a microsecond that are not
 * zero (nothing here keeps them), and for moments outside the years 1 to 9999 UTC.
 *
 * Times inside EATP documents are another matter: they are signed as text, and `parseTime` reads them as EATP does. Whatever this
 * reads, `parseTime` reads as the same moment.
 */
export function parseInstant(text: string): { seconds: bigint; nanos: number } | undefined {
  const parts = FORM.exec(text)
  if (!parts) return undefined
  const [, year, month, day, hour, minute, second, fraction = "", sign, offsetHour = 0, offsetMinute = 0] =
    parts
  const date = { year: Number(year), month: Number(month), day: Number(day) }
  const clock = Number(hour) * 3600 + Number(minute) * 60 + Number(second)
  const offset = Number(offsetHour) * 3600 + Number(offsetMinute) * 60
  if (!isRealDate(date)) return undefined
  const seconds = daysSinceEpoch(date) * 86_400 + clock - (sign === "-" ? -offset : offset)
  if (seconds < EARLIEST || seconds > LATEST) return undefined
  return { seconds: BigInt(seconds), nanos: Number(fraction.slice(0, 6).padEnd(6, "0")) * 1_000 }
}

const HOURS = "([01]\\d|2[0-3])"
const MINUTES = "([0-5]\\d)"
const DATE = "(\\d{4})-(\\d\\d)-(\\d\\d)"
const FRACTION = "(?:\\.(\\d{1,6}|\\d{6}0{1,3}))?"
const FORM = new RegExp(`^${DATE}T${HOURS}:${MINUTES}:${MINUTES}${FRACTION}(?:Z|([+-])${HOURS}:${MINUTES})$`)

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds since 1970: what google.protobuf.Timestamp can hold. */
const EARLIEST = -62_135_596_800
const LATEST = 253_402_300_799
