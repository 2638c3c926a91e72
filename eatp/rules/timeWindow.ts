/**
 * Whether a time window of the day, `HH:MM-HH:MM`, lies within another. Any text lies within itself; otherwise false if either is
 * not a window, or if the inner one goes over midnight and the outer one does not.
 */
export function windowWithin(outer: string, inner: string): boolean {
  if (outer === inner) return true
  const [from, to] = minutesOf(outer)
  const [start, end] = minutesOf(inner)
  // Text that is not a window gives NaN, for which every comparison is false.
  return start >= from && end <= to && (start <= end || from > to)
}

function minutesOf(window: string): [number, number] {
  const parts = window.split("-")
  if (parts.length !== 2) return [Number.NaN, Number.NaN]
  return [clockMinutes(parts[0] ?? ""), clockMinutes(parts[1] ?? "")]
}

function clockMinutes(text: string): number {
  const clock = /^[ \t]*(\d+)[ \t]*:[ \t]*(\d+)[ \t]*$/.exec(text)
  const [hours, minutes] = [Number(clock?.[1]), Number(clock?.[2])]
  return hours <= 23 && minutes <= 59 ? hours * 60 + minutes : Number.NaN
}
