/**
 * Whether an action is known to read only: its first word is a verb that reads (`read_data`, `listFiles`), or what stands
 * behind its last `:`, `.` or `/` is `read` (`files:read`), and no word of it writes or leads on to another one. Any other
 * action may write.
 */
export function readsOnly(action: string): boolean {
  const words = wordsOf(action)
  const reads = READING.has(words[0] ?? "") || /[:./]read$/i.test(action)
  return reads && !words.some((word) => WRITING.has(word))
}

/** The words of an action, lowercase: `read_data`, `read-data`, `db.read` and `readData` have two. */
export function wordsOf(action: string): string[] {
  const parted = action.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
  return parted
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)
}

const READING: ReadonlySet<string> = new Set(
  (
    "read get list view show find search query count describe fetch inspect lookup peek preview retrieve browse " +
    "compare diff explain head stat summarize summarise analyze analyse observe monitor"
  ).split(" "),
)

const WRITING: ReadonlySet<string> = new Set(
  (
    "write writes overwrite update updates delete deletes create creates modify modifies insert remove drop purge truncate " +
    "set put post patch upsert replace append add edit change alter rename move merge import upload restore reset clear wipe " +
    "erase destroy empty pop save store send submit publish approve reject cancel revoke grant execute exec run deploy start " +
    "stop kill pay transfer book buy sell order export and then or"
  ).split(" "),
)
