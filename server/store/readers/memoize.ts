/** Reads each id once, however often it is asked for. A failed read is remembered too. */
export function memoize<Found>(read: (id: string) => Promise<Found>): (id: string) => Promise<Found> {
  const answers = new Map<string, Promise<Found>>()
  return (id) => {
    const answer = answers.get(id) ?? read(id)
    answers.set(id, answer)
    return answer
  }
}
