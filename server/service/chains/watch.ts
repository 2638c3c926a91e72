import type { ShapeLimits } from "@trust-registry/eatp"
import { ErrorReason, type TrustStoreService, type WatchChainsRequest } from "@trust-registry/proto"
import { invalidRequest, RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import type { Matcher } from "../../store/filter/matcher.js"
import type { HistoryEvent } from "../../store/history/event.js"
import { compacted } from "../../store/history/historicalPoint.js"
import type { HistoryStore } from "../../store/history/historyStore.js"
import type { TailReader } from "../../store/history/tail.js"
import { assureFilter, filtered } from "../request/filter.js"
import { showsChains } from "../request/view.js"
import { responses, type Told } from "./watchResponses.js"

/** A response comes at least this often: the word that nothing has changed keeps proxies from cutting the line, and tells progress. */
const BOOKMARK_MS = 1_000

/** The handler of WatchChains. */
export function createWatch(
  history: HistoryStore,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext>["watchChains"] {
  return async function* (request, { signal, draining }) {
    assureFilter(request.filter, limits)
    const chains = showsChains(request.view)
    const matcher = await filtered(history.matcher(request.filter))
    const reader = history.tail.open(matcher.needsFacts)
    signal.addEventListener("abort", reader.wake)
    draining.addEventListener("abort", reader.wake)
    try {
      const next = request.includeCurrent
        ? yield* tellCurrent(history, request, chains)
        : await startOf(history, request.startRevision)
      const tell = (event: HistoryEvent) => toldOf(matcher, event, chains)
      yield* follow(reader, tell, next, { signal, draining })
    } finally {
      signal.removeEventListener("abort", reader.wake)
      draining.removeEventListener("abort", reader.wake)
      reader.close()
    }
  }
}

/** Where a watch begins. Throws where the history does not reach back to there, or not up to there. */
async function startOf(history: HistoryStore, asked: bigint): Promise<bigint> {
  if (asked < 0n) throw invalidRequest("start_revision", `is ${asked}; at least 0 is allowed`)
  const { oldest, newest } = await history.ends()
  if (asked === 0n) return newest + 1n
  if (asked < oldest) throw compacted(asked, oldest)
  if (asked > newest + 1n)
    throw invalidRequest("start_revision", `is ${asked}; the newest revision is ${newest}`)
  return asked
}

/** The current state; gives the revision from which on its changes are told. */
async function* tellCurrent(history: HistoryStore, request: WatchChainsRequest, chains: boolean) {
  if (request.startRevision !== 0n)
    throw invalidRequest("start_revision", "cannot go together with include_current")
  const { head, pieces } = await filtered(history.current(request.filter, history.now()))
  for await (const some of pieces(chains)) {
    const told = some.map(({ revision, bytes }) => ({ revision, piece: bytes }))
    const last = told.at(-1)
    if (last) yield* responses(told, last.revision + 1n, false)
  }
  return head + 1n
}

/** The changes from a revision on, until the caller ends it or the server stops. */
async function* follow(
  reader: TailReader,
  tell: (event: HistoryEvent) => Told | undefined,
  start: bigint,
  { signal, draining }: Pick<RpcContext, "signal" | "draining">,
) {
  let next = start
  let spokenAt = Number.NEGATIVE_INFINITY
  let caughtUp = false
  while (!signal.aborted) {
    if (draining.aborted) throw stopping(next)
    const batch = await reader.read(next)
    const told = batch?.events.flatMap((event) => tell(event) ?? []) ?? []
    next = batch?.next ?? next
    const isCurrent = reader.isCurrent(next)
    const silentMs = performance.now() - spokenAt
    if (told.length > 0 || isCurrent !== caughtUp || silentMs >= BOOKMARK_MS) {
      yield* responses(told, next, isCurrent)
      spokenAt = performance.now()
      caughtUp = isCurrent
    } else if (!batch) await reader.changed(next, BOOKMARK_MS - silentMs)
  }
}

/** The event as this watcher is told of it; undefined: it does not concern the filter. */
function toldOf(matcher: Matcher, event: HistoryEvent, chains: boolean): Told | undefined {
  const { revision, operation, state, previous } = event
  if (matcher.matches(state)) return { revision, piece: chains ? event.full : event.bare(false) }
  const before = previous && matcher.matches(previous)
  // With the documents went the answer whether it was in the filter: who does not have it has nothing to drop.
  if (operation === "purged") return before === false ? undefined : { revision, piece: event.bare(false) }
  return before ? { revision, piece: event.bare(!GOING.has(operation)) } : undefined
}

/** What says by itself that a chain is no longer among the active ones. */
const GOING: ReadonlySet<HistoryEvent["operation"]> = new Set(["deleted", "suspended", "revoked"])

function stopping(next: bigint) {
  return new RegistryError(
    ErrorReason.SHUTTING_DOWN,
    `the server is stopping: the watch goes on at another one from revision ${next}`,
    { metadata: { next_revision: String(next) } },
  )
}
