/**
 * The answer to an outcome returned by the database. Throws an Error, reported as INTERNAL, for an outcome that this server does
 * not know: a newer schema may refuse a write for a new reason, which must not count as success.
 */
export function answerTo<Outcome extends string, Answer>(
  answers: Readonly<Record<Outcome, Answer>>,
  outcome: Outcome,
): Answer {
  if (!Object.hasOwn(answers, outcome))
    throw new Error(`the database returned an outcome unknown to this server: ${JSON.stringify(outcome)}`)
  return answers[outcome]
}
