/** A step of the schema that a database has. */
export interface Applied {
  readonly name: string
  readonly version: number
  readonly checksum: string
}

/** The steps of the schema that a plain dump has, from its rows of trust_migrations. Throws for a dump without any. */
export function appliedIn(dump: string): Applied[] {
  const [, columns = "", rows = ""] =
    /^COPY \S*trust_migrations \(([^)]*)\) FROM stdin;\n([\s\S]*?)\n\\\.$/m.exec(dump) ?? []
  const names = columns.split(", ")
  const value = (row: string, name: string) => row.split("\t")[names.indexOf(name)] ?? ""
  const applied = rows.split("\n").map((row) => ({
    name: value(row, "name"),
    version: Number(value(row, "version")),
    checksum: value(row, "checksum"),
  }))
  if (applied.some(({ name }) => name === "")) throw new Error("the dump has no rows of trust_migrations")
  return applied
}
