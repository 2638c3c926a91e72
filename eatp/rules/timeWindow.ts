/** Whether a time window of the day, `HH:MM-HH:MM`, lies within another; false if either text is not a window. */
export function windowWithin(outer: string, inner: string): boolean {
  const [from, to] = minutesOf(outer)
  const [start, end] = minutesOf(inner)
  // Text that is not a window gives NaN, for which every comparison is false.
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
