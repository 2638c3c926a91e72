import { type ShapeLimits, takeTurn } from "@trust-registry/eatp"
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
import { responses, type WatchEvent } from "./watchResponses.js"

/** A response is sent at least this often: without changes it reports progress, and keeps proxies from closing the stream. */
const BOOKMARK_MS = 1_000

/** The handler of WatchChains. */
export function createWatch(
  history: HistoryStore,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext>["watchChains"] {
  return async function* (request, { signal, draining, maxItemBytes }) {
    assureFilter(request.filter, limits)
    const chains = showsChains(request.view)
    const matcher = await filtered(history.matcher(request.filter))
    const reader = history.tail.open(matcher.needsFacts)
    signal.addEventListener("abort", reader.wake)
    draining.addEventListener("abort", reader.wake)
    try {
      const next = request.includeCurrent
        ? yield* sendCurrent(history, request, chains, maxItemBytes)
        : await startOf(history, request.startRevision)
      const eventFor = (event: HistoryEvent) => watchEventOf(matcher, event, chains, maxItemBytes)
      yield* follow(reader, eventFor, next, { signal, draining })
    } finally {
      signal.removeEventListener("abort", reader.wake)
      draining.removeEventListener("abort", reader.wake)
      reader.close()
    }
  }
}

/** The revision at which a watch starts. Throws if it is compacted or lies ahead of the next one. */
async function startOf(history: HistoryStore, asked: bigint): Promise<bigint> {
  if (asked < 0n) throw invalidRequest("start_revision", `is ${asked}; at least 0 is allowed`)
  const { oldest, newest } = await history.ends()
  if (asked === 0n) return newest + 1n
  if (asked < oldest) throw compacted(asked, oldest)
  if (asked > newest + 1n)
    throw invalidRequest("start_revision", `is ${asked}; the newest revision is ${newest}`)
  return asked
}

/** Sends the current state; returns the revision from which to follow its changes. */
async function* sendCurrent(
  history: HistoryStore,
  request: WatchChainsRequest,
  chains: boolean,
  maxBytes: number,
) {
  if (request.startRevision !== 0n)
    throw invalidRequest("start_revision", "cannot be combined with include_current")
  const { head, pieces } = await filtered(history.current(request.filter, history.now()))
  for await (const some of pieces(chains, maxBytes)) {
    const events = some.map(({ revision, bytes }) => ({ revision, piece: bytes }))
    const last = events.at(-1)
    if (last) yield* responses(events, last.revision + 1n, false)
  }
  return head + 1n
}

/** Sends the changes from a revision on, until the caller ends the watch or the server stops. */
async function* follow(
  reader: TailReader,
  eventFor: (event: HistoryEvent) => Promise<WatchEvent | undefined>,
  start: bigint,
  { signal, draining }: Pick<RpcContext, "signal" | "draining">,
) {
  let next = start
  let sentAt = Number.NEGATIVE_INFINITY
  let caughtUp = false
  while (!signal.aborted) {
    if (draining.aborted) throw stopping(next)
    const batch = await reader.read(next)
    const events: WatchEvent[] = []
    for (const event of batch?.events ?? []) {
      const shown = await eventFor(event)
      if (shown) events.push(shown)
      const turn = takeTurn()
      if (turn) await turn
    }
    next = batch?.next ?? next
    const isCurrent = reader.isCurrent(next)
    const silentMs = performance.now() - sentAt
    if (events.length > 0 || isCurrent !== caughtUp || silentMs >= BOOKMARK_MS) {
      yield* responses(events, next, isCurrent)
      sentAt = performance.now()
      caughtUp = isCurrent
    } else if (!batch) await reader.changed(next, BOOKMARK_MS - silentMs)
  }
}

/** The event as this watcher receives it; undefined if it does not concern the filter. */
async function watchEventOf(
  matcher: Matcher,
  event: HistoryEvent,
  chains: boolean,
  maxBytes: number,
): Promise<WatchEvent | undefined> {
  const { revision, operation, state, previous } = event
  if (await matcher.matches(state)) {
    const shown = () => (event.full.length > maxBytes ? event.tooLarge() : event.full)
    return { revision, piece: chains ? shown() : event.bare(false) }
  }
  const before = previous && (await matcher.matches(previous))
  // Without documents it may be unknown whether the chain matched the filter. Watchers that do not know the chain ignore the event.
  if (operation === "purged") return before === false ? undefined : { revision, piece: event.bare(false) }
  return before ? { revision, piece: event.bare(!GOING.has(operation)) } : undefined
}

/** Operations that by themselves take a chain out of the active ones. */
const GOING: ReadonlySet<HistoryEvent["operation"]> = new Set(["deleted", "suspended", "revoked"])

function stopping(next: bigint) {
  return new RegistryError(
    ErrorReason.SHUTTING_DOWN,
    `the server is stopping: resume the watch at another server from revision ${next}`,
    { metadata: { next_revision: String(next) } },
  )
}
