import { orAbort } from "../../async/orAbort.js"
import type { RpcContext } from "../../rpc/context.js"
import { NOT_IN_MEMORY } from "../../store/readers/memoryReader.js"
import type { Store } from "../../store/store.js"
import type { ReadSnapshot, SnapshotSource } from "../request/readSnapshot.js"
import { type Read, readInRoom } from "./boundedReading.js"
import { type Evidence, type EvidenceRules, evidenceOf } from "./evidence.js"

/** Evidence about an agent, and the time at which it is judged. */
export interface Judgeable {
  evidence: Evidence
  /** In microseconds since 1970. */
  nowMicros: bigint
}

/** Reads the evidence for a question and judges it: the chains count as held until `judge` is done. */
export type JudgeEvidence = <Verdict>(
  source: SnapshotSource,
  agentId: string,
  context: RpcContext,
  judge: (given: Judgeable) => Promise<Verdict>,
) => Promise<Verdict>

/** A reading that questions share. */
interface Reading {
  /** Questions that wait for it or judge by it. */
  askers: number
  readonly leave: AbortController
  readonly read: Promise<Read<Judgeable>>
}

/** The readings of one kind about one agent: one runs, and one gathers questions until that one has ended. */
interface Queue {
  running: Promise<unknown>
  next: Reading | undefined
}

/**
 * Creates the function through which questions get their evidence. What is in memory is judged at once. Otherwise questions of the same
 * kind about one agent share a reading, which begins after each of them came: so it is as current as one of their own. A reading that
 * all have left ends.
 */
export function createJudgeEvidence(store: Store, rules: EvidenceRules): JudgeEvidence {
  const queues = new Map<string, Queue>()

  const open = (key: string, source: SnapshotSource, agentId: string): Reading => {
    const queue = queues.get(key) ?? { running: Promise.resolve(), next: undefined }
    queues.set(key, queue)
    if (queue.next) return queue.next
    const leave = new AbortController()
    const begin = async () => {
      await queue.running
      return await readInRoom(store.account, leave.signal, async (bound, signal) => {
        // Who comes from here on may have written what is read too early.
        if (queue.next === reading) queue.next = undefined
        const { reader, nowMicros } = source.open(signal)
        return { evidence: await evidenceOf({ reader: bound(reader), nowMicros }, agentId, rules), nowMicros }
      })
    }
    const read = begin()
    const reading: Reading = { askers: 0, leave, read }
    queue.next = reading
    const ended = read.then(
      () => undefined,
      () => undefined,
    )
    queue.running = ended
    void ended.then(() => {
      if (queue.next === reading) queue.next = undefined
      if (queue.running === ended && queue.next === undefined) queues.delete(key)
    })
    return reading
  }

  const judgeShared: JudgeEvidence = async (source, agentId, { signal }, judge) => {
    const key = `${source.kind} ${agentId}`
    const reading = open(key, source, agentId)
    reading.askers++
    try {
      const { found } = await orAbort(reading.read, signal)
      return await judge(found)
    } finally {
      if (--reading.askers === 0) {
        const queue = queues.get(key)
        if (queue?.next === reading) queue.next = undefined
        reading.leave.abort()
        reading.read.then(
          ({ release }) => release(),
          () => undefined,
        )
      }
    }
  }

  return async (source, agentId, context, judge) => {
    const known = source.kept && (await evidenceInMemory(source.kept(), agentId, rules))
    return known ? await judge(known) : await judgeShared(source, agentId, context, judge)
  }
}

/** Undefined where something is not in memory. */
async function evidenceInMemory(
  snapshot: ReadSnapshot,
  agentId: string,
  rules: EvidenceRules,
): Promise<Judgeable | undefined> {
  try {
    return { evidence: await evidenceOf(snapshot, agentId, rules), nowMicros: snapshot.nowMicros }
  } catch (error) {
    if (error !== NOT_IN_MEMORY) throw error
    return undefined
  }
}
