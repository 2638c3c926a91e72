/**
 * Whether a window of the day, `HH:MM-HH:MM`, lies within another; a text that is no window lies in none and
 * holds none.
 */
export function windowWithin(outer: string, inner: string): boolean {
  const [from, to] = minutesOf(outer)
  const [start, end] = minutesOf(inner)
  // A text that is no window gives NaN, which is beyond every comparison.
  return start >= from && end <= to
}

function minutesOf(window: string): [number, number] {
  const parts = window.split("-")
  if (parts.length !== 2) return [Number.NaN, Number.NaN]
  return [clockMinutes(parts[0] ?? ""), clockMinutes(parts[1] ?? "")]
}

function clockMinutes(text: string): number {
  const clock = /^\s*(\d+)\s*:\s*(\d+)\s*$/.exec(text)
  const [hours, minutes] = [Number(clock?.[1]), Number(clock?.[2])]
  return hours <= 23 && minutes <= 59 ? hours * 60 + minutes : Number.NaN
}
