import type { MessageInitShape } from "@bufbuild/protobuf"
import * as grpc from "@grpc/grpc-js"
import { contentHash } from "@trust-registry/eatp"
import { ChainStatus, TrustStoreService, type WatchChainsRequestSchema } from "@trust-registry/proto"
import { connectTo } from "../support/calls.js"
import { type SeenEvent, seen } from "../support/events.js"
import { until } from "../support/until.js"
import { type OpenWatch, type ValidatedWatch, validateWatch } from "../support/watchValidator.js"
import type { Fleet } from "./fleet.js"
import type { Call, Version } from "./history.js"
import type { Random } from "./random.js"
import { CHANNEL } from "./recorder.js"

type Request = MessageInitShape<typeof WatchChainsRequestSchema>

/** Watches the agents of a round despite faults, until it is ended. */
export interface Watcher {
  /** Waits until every change was reported, and returns what was reported wrong. */
  end(versions: readonly Version[]): Promise<string[]>
}

/** A connection that is silent for this long is replaced: a server sends something every two seconds. */
const SILENT_MS = 3_000
const LATE_MS = 20_000

/** Watches every change of the agents whose ids begin with `name`; resolves when the watch has begun. */
export async function watchAll(
  fleet: Fleet,
  name: string,
  random: Random,
  history: Call[],
): Promise<Watcher> {
  const filter = { agentIdPrefix: name, includeInactive: true }
  const { watch, finish } = follow(fleet, { filter }, random, (event) => note(event, history))
  await until("the watch has begun", () => watch.next > 0n)
  return {
    end: async (versions) => {
      const faults = await finish(versions)
      const reported = watch.events.map(({ word, record }) => `r${record?.revision} ${word.toLowerCase()}`)
      const changes = versions.map(({ operation, revision }) => `r${revision} ${operation}`)
      return [...faults, ...differences(reported, changes), ...wrongContents(watch.events, versions)]
    },
  }
}

/** Mirrors the agents whose ids begin with `name` from their current state on, optionally only the active ones. */
export function mirror(fleet: Fleet, name: string, activeOnly: boolean, random: Random): Watcher {
  const filter = { agentIdPrefix: name, includeInactive: !activeOnly }
  const { watch, finish } = follow(fleet, { filter, includeCurrent: true }, random, () => {})
  return {
    end: async (versions) => {
      const faults = await finish(versions)
      const kept = new Map<string, bigint | undefined>()
      for (const { operation, record, chain } of watch.events) {
        const goes = operation === "purged" || (activeOnly && !chain)
        if (goes) kept.delete(record?.agentId ?? "")
        else kept.set(record?.agentId ?? "", record?.revision)
      }
      const expected = new Map<string, bigint>()
      for (const { agentId, revision, operation, status } of versions)
        if (operation === "purged" || (activeOnly && status !== "active")) expected.delete(agentId)
        else expected.set(agentId, revision)
      const lines = (map: ReadonlyMap<string, bigint | undefined>) =>
        [...map].map(([agentId, revision]) => `${agentId} r${revision}`).sort()
      return [
        ...faults,
        ...differences(lines(kept), lines(expected)),
        ...wrongContents(watch.events, versions),
      ]
    },
  }
}

/** Follows a watch that resumes at another server whenever its connection ends or is silent for too long. */
function follow(fleet: Fleet, request: Request, random: Random, onEvent: (event: SeenEvent) => void) {
  let heardAt = performance.now()
  const open: OpenWatch = async function* (request, signal) {
    heardAt = performance.now()
    const { address } = random.pick(fleet.servers)
    const line = connectTo(address, grpc.credentials.createInsecure(), CHANNEL)
    try {
      const responses = line.calls(TrustStoreService).watchChains(request, { signal, timeoutMs: 3_600_000 })
      for await (const response of responses) {
        heardAt = performance.now()
        yield response
        for (const event of response.events) onEvent(seen(event))
      }
      throw new Error("the watch ended by itself")
    } finally {
      line.close()
    }
  }
  const watch = validateWatch(open, request)
  const over = new AbortController()
  const keeping = (async () => {
    while (!over.signal.aborted && isPassing(watch.failure)) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      if (watch.failure !== undefined ? isPassing(watch.failure) : performance.now() - heardAt > SILENT_MS)
        await watch.resume(open)
    }
  })()
  const finish = async (versions: readonly Version[]) => {
    const head = versions.at(-1)?.revision ?? 0n
    await until(
      `a watch reports r${head}`,
      () => watch.next > head || !isPassing(watch.failure),
      LATE_MS,
    ).finally(() => over.abort())
    await keeping
    await watch.stop()
    return isPassing(watch.failure) ? [] : [describeFailure(watch)]
  }
  return { watch, finish }
}

/** Whether a failure is only a lost connection or an unavailable server. */
function isPassing(failure: unknown) {
  if (failure === undefined) return true
  const { code } = failure as Partial<grpc.ServiceError>
  return code !== undefined && PASSING.has(code)
}

const { UNAVAILABLE, CANCELLED, DEADLINE_EXCEEDED, INTERNAL } = grpc.status
/** grpc-js reports a reset stream as INTERNAL. */
const PASSING: ReadonlySet<number> = new Set([UNAVAILABLE, CANCELLED, DEADLINE_EXCEEDED, INTERNAL])

function describeFailure({ failure, next }: ValidatedWatch) {
  return `it ended below r${next} with ${failure instanceof Error ? failure.message : String(failure)}`
}

/** Records that an event arrived. */
function note({ operation, record }: SeenEvent, history: Call[]) {
  if (!record || operation === "purged") return
  const { agentId, revision, contentHash, status } = record
  const at = performance.now()
  history.push({
    client: "watcher",
    server: -1,
    life: undefined,
    operation: "watch",
    agentId,
    invokedAt: at,
    endedAt: at,
    outcome: { kind: "record", revision, contentHash, active: status === ChainStatus.ACTIVE },
  })
}

function wrongContents(events: readonly SeenEvent[], versions: readonly Version[]): string[] {
  const hashes = new Map(versions.map(({ revision, contentHash }) => [revision, contentHash]))
  return events.flatMap(({ record, chain }) => {
    const hash = hashes.get(record?.revision ?? 0n)
    const same = record?.contentHash === hash && (!chain || contentHash(chain) === hash)
    return same ? [] : [`it reported other content at r${record?.revision}`]
  })
}

function differences(reported: readonly string[], changes: readonly string[]): string[] {
  const [seenLines, happened] = [new Set(reported), new Set(changes)]
  return [
    ...changes.filter((line) => !seenLines.has(line)).map((line) => `it did not report ${line}`),
    ...reported
      .filter((line) => !happened.has(line))
      .map((line) => `it reported ${line}, which did not happen`),
    ...(seenLines.size < reported.length ? ["it reported something twice"] : []),
  ]
}
