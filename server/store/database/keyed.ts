import { MIXED } from "./driverInternals.js"

/**
 * The rows of an answer, which must all be of the keys that were asked for. Throws an error that drops the connection and asks again
 * otherwise: a driver, pooler or proxy gave us the answer to another question, and the next one there would be wrong too.
 *
 * @param keyOf the key of a row; null for a row that is of no key
 */
export function ofKeys<Rows extends readonly unknown[]>(
  rows: Rows,
  keys: Iterable<string>,
  keyOf: (row: Rows[number]) => string | null | undefined,
): Rows {
  const asked = new Set(keys)
  for (const row of rows) {
    const key = keyOf(row)
    // A column that is missing is another answer's too.
    if (key === null || (key !== undefined && asked.has(key))) continue
    throw mixedUp()
  }
  return rows
}

/** The error for an answer to another question. */
export function mixedUp(): Error {
  return Object.assign(new Error("the database's answer is not of the keys that were asked for"), {
    code: MIXED,
  })
}
