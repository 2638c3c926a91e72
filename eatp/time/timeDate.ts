import { digitsAt, isDigitAt } from "./timeDigits.js"

/** A day of the proleptic Gregorian calendar, as written; may not exist. */
export type CalendarDate = { year: number; month: number; day: number }

/**
 * The offset of the separator between date and time in a text of at least seven characters. The date forms are
 * YYYY-MM-DD, YYYYMMDD, YYYY-Www, YYYY-Www-D, YYYYWww and YYYYWwwD, distinguished as CPython 3.11 does: a digit after
 * `YYYY-Www-` is taken for an hour, and an odd number of digits after `YYYYWww` for a week day and hours.
 */
export function separatorAt(text: string): number {
  if (text.length === 7) return 7
  if (text[4] === "-") {
    if (text[5] !== "W") return 10
    if (text[8] !== "-") return 8
    return text.length > 10 && isDigitAt(text, 10) ? 8 : 10
  }
  if (text[4] !== "W") return 8
  let end = 7
  while (isDigitAt(text, end)) end++
  if (end < 9) return end
  return end % 2 === 0 ? 7 : 8
}

/** Reads the date that ends at the separator; undefined if it has none of the forms. */
export function parseDate(text: string, separator: number): CalendarDate | undefined {
  const year = digitsAt(text, 0, 4)
  if (year === undefined) return undefined
  const dash = text[4] === "-" ? 1 : 0
  if (text[4 + dash] === "W") return parseWeekDate(text, year, 5 + dash, separator)
  const month = digitsAt(text, 4 + dash, 2)
  if (dash === 1 && text[7] !== "-") return undefined
  const day = digitsAt(text, 6 + 2 * dash, 2)
  return month === undefined || day === undefined ? undefined : { year, month, day }
}

/** Whether the day exists, in a year from 1 to 9999. */
export function isRealDate({ year, month, day }: CalendarDate): boolean {
  return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
}

/** Days from 1970-01-01 to a day that exists. */
export function daysSinceEpoch({ year, month, day }: CalendarDate): number {
  return daysBeforeYear(year) + daysBeforeMonth(year, month) + day - EPOCH_ORDINAL
}

// Day number of 1970-01-01, where 0001-01-01 is 1.
const EPOCH_ORDINAL = 719163
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function parseWeekDate(text: string, year: number, at: number, separator: number): CalendarDate | undefined {
  const week = digitsAt(text, at, 2)
  let weekDay: number | undefined = 1
  const dashed = text[4] === "-"
  if (at + 2 < separator) {
    if (dashed && text[at + 2] !== "-") return undefined
    weekDay = digitsAt(text, at + 2 + (dashed ? 1 : 0), 1)
  }
  if (week === undefined || weekDay === undefined || year < 1) return undefined
  if (week < 1 || week > weeksInYear(year) || weekDay < 1 || weekDay > 7) return undefined
  return fromOrdinal(weekOneMonday(year) + (week - 1) * 7 + weekDay - 1)
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0)
}

function daysBeforeYear(year: number): number {
  const past = year - 1
  return past * 365 + Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400)
}

function daysBeforeMonth(year: number, month: number): number {
  let days = 0
  for (let before = 1; before < month; before++) days += daysInMonth(year, before)
  return days
}

// 0 is Monday.
function weekDayOfNewYear(year: number): number {
  return (daysBeforeYear(year) + 7) % 7
}

function weeksInYear(year: number): number {
  const first = weekDayOfNewYear(year)
  return first === 3 || (first === 2 && isLeap(year)) ? 53 : 52
}

function weekOneMonday(year: number): number {
  const first = weekDayOfNewYear(year)
  return daysBeforeYear(year) + 1 - first + (first > 3 ? 7 : 0)
}

// A year may come out as 0 or 10000; isRealDate refuses those.
function fromOrdinal(ordinal: number): CalendarDate {
  let year = Math.max(1, Math.floor((ordinal - 1) / 365.2425))
  while (daysBeforeYear(year + 1) < ordinal) year++
  let month = 1
  while (daysBeforeYear(year) + daysBeforeMonth(year, month + 1) < ordinal && month < 12) month++
  return { year, month, day: ordinal - daysBeforeYear(year) - daysBeforeMonth(year, month) }
}
