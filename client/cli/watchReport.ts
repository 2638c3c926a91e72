import { status } from "@grpc/grpc-js"
import type { WatchState } from "../chainWatch.js"
import { TrustStoreError } from "../errors.js"
import { DEFAULT_TIMEOUT_MS } from "../options.js"
import type { Invocation } from "./command.js"
import { messageWithHint } from "./documents/connectionHint.js"
import { reportError } from "./errorReport.js"

/** The registry says once a second how far it is; without that for this long, the watch may be behind. */
const BEHIND_MS = 3_000

/** Says on standard error what becomes of a watch, while standard output has nothing to say. */
export interface WatchReport {
  /** Aborted with an error if there is no first connection in time. */
  late: AbortSignal
  /** Takes each change of the connection. */
  onState(state: WatchState): void
  /** Takes each response: whether the registry has sent every change. */
  heard(caughtUp: boolean): void
  /** Notes that the response was handled, and the next one is awaited. */
  awaits(): void
  /** Stops all timers. */
  end(): void
}

/** Reports the states CONNECTION_LOST, CONNECTION_RESTORED, BEHIND and CAUGHT_UP of one watch. */
export function watchReport(
  outputs: Pick<Invocation, "json" | "err">,
  timeoutMs = DEFAULT_TIMEOUT_MS,
): WatchReport {
  const late = new AbortController()
  let begun = false
  let first: TrustStoreError | undefined
  const timer = setTimeout(() => late.abort(first ?? noAnswer(timeoutMs)), timeoutMs)
  const report = (reason: string, message: string) => void reportError(outputs, { reason, message })
  const lag = lagReport(report)
  const onState = ({ open, nextRevision, error }: WatchState) => {
    if (!open) lag.reset()
    if (!open && !begun) first = error
    else if (!open) {
      const why = error ? ` (${messageWithHint(error)})` : ""
      report(
        "CONNECTION_LOST",
        `connection lost${why}; the watch resumes from revision ${nextRevision} when it is restored`,
      )
    } else if (begun)
      report("CONNECTION_RESTORED", `connection restored; the watch resumes from revision ${nextRevision}`)
    begun ||= open
    if (begun) clearTimeout(timer)
  }
  const end = () => {
    clearTimeout(timer)
    lag.reset()
  }
  return { late: late.signal, onState, heard: lag.heard, awaits: lag.awaits, end }
}

/** Reports a watch that was up to date and no longer is, as when the registry's database or the network is silent. */
function lagReport(report: (reason: string, message: string) => void) {
  let wasCurrent = false
  let told = false
  let since: number | undefined
  let timer: NodeJS.Timeout | undefined
  const tell = () => {
    told = true
    const seconds = BEHIND_MS / 1000
    report(
      "BEHIND",
      `the registry has not confirmed for ${seconds} s that every change was sent; changes may be late`,
    )
  }
  return {
    heard(caughtUp: boolean) {
      clearTimeout(timer)
      since = caughtUp ? undefined : (since ?? performance.now())
      if (caughtUp && told) report("CAUGHT_UP", "the watch is up to date again")
      if (caughtUp) [wasCurrent, told] = [true, false]
    },
    awaits() {
      if (!wasCurrent || told) return
      const now = performance.now()
      timer = setTimeout(tell, Math.max(0, (since ?? now) + BEHIND_MS - now))
    },
    reset() {
      clearTimeout(timer)
      wasCurrent = false
      told = false
      since = undefined
    },
  }
}

function noAnswer(timeoutMs: number) {
  const message = `the registry did not respond within ${timeoutMs} ms`
  return new TrustStoreError(message, { code: status.DEADLINE_EXCEEDED, reason: "DEADLINE_EXCEEDED" })
}
