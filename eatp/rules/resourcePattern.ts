/**
 * Whether a delegator's resource pattern covers a delegatee's (EATP DELEGATE, validate_inheritance): it is equal, matches
 * it (`*` and `?` within a path segment, `**` across segments), or names a path above it with a final `/*` or `/**`.
 */
export function resourceCovers(pattern: string, resource: string): boolean {
  if (pattern === resource || pattern === "*" || pattern === "**") return true
  if (globToRegExp(pattern).test(resource)) return true
  // The reference implementation lets `db/**` cover `dbx/secret` too; we require the slash.
  const base = /^(.*)\/\*\*?$/su.exec(pattern)?.[1]
  return (
    base !== undefined && (resource.startsWith(`${base}/`) || (pattern.endsWith("/**") && resource === base))
  )
}

function globToRegExp(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/?|\*|\?|[^*?]+/gsu, (part) => {
    if (part === "**/") return ".*/?"
    if (part === "**") return ".*"
    if (part === "*") return "[^/]*"
    return part === "?" ? "[^/]" : part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
  })
  return new RegExp(`^${source}$`, "u")
}
