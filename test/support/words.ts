import postgres from "postgres"
import type { EmbeddedPostgres } from "../../server/embedded/start.js"

/** Runs one statement on a new connection. */
export async function query(database: EmbeddedPostgres, text: string) {
  const sql = postgres({ ...database.connection, max: 1, onnotice: () => {} })
  try {
    return await sql.unsafe(text)
  } finally {
    await sql.end()
  }
}

/** Stores a word in the database; resolves when acknowledged. */
export async function write(database: EmbeddedPostgres, word: string) {
  await query(database, "create table if not exists words (word text)")
  await query(database, `insert into words values ('${word}')`)
}

/** Returns all stored words. */
export async function read(database: EmbeddedPostgres) {
  await query(database, "create table if not exists words (word text)")
  return (await query(database, "select word from words")).map(({ word }) => word)
}
