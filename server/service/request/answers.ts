/**
 * The answer to an outcome that the database gave. Throws an Error, which leaves the server as INTERNAL, for an outcome that this
 * server does not know: the functions of a newer schema may refuse a write for a reason of their own, and that is no success.
 */
export function answerTo<Outcome extends string, Answer>(
  answers: Readonly<Record<Outcome, Answer>>,
  outcome: Outcome,
): Answer {
  if (!Object.hasOwn(answers, outcome))
    throw new Error(
      `the database answered with the outcome ${JSON.stringify(outcome)}, which is unknown here`,
    )
  return answers[outcome]
}
