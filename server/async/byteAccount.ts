import { startTimer } from "./timer.js"

/**
 * What bytes are taken for. Each may fill the account up to its own part only, so that a full account still takes what frees it:
 * work that needs much leaves room for the validation of what it holds, that for answers, and all leave room for small calls. What waits
 * with bytes of one purpose waits for another one with a larger part, never behind its own.
 */
export type Purpose = "call" | "answer" | "validation" | "work"

/** The part of the account that each purpose may fill. */
const PARTS: Readonly<Record<Purpose, number>> = {
  call: 1,
  answer: 7 / 8,
  validation: 13 / 16,
  work: 3 / 4,
}

/** How an account behaves when it is full. */
export interface ByteAccountOptions {
  /** Most bytes that may be taken at once. */
  readonly limit: number
  /** How long to wait for room before a taker is refused, in milliseconds. */
  readonly waitMs: number
  /** Most takers that may wait; for one more the newest of the part that has most is refused, or itself if that has no more than its own. */
  readonly maxWaiting: number
  /** Most of them that one part may have. */
  readonly maxWaitingOfOne: number
  /** Makes the error of a refused taker. */
  readonly refusal: () => Error
}

/** A part of the account with a limit of its own, for one connection. */
export interface SubAccount {
  readonly limit: number
  held: number
  /** Takers that wait. */
  waiting: number
}

interface Waiting {
  readonly bytes: number
  readonly of: SubAccount
  grant(): void
  refuse(): void
}

/**
 * Counts the bytes that a process holds for its callers. Takers beyond the limit wait in order of arrival, those of one purpose behind
 * each other; one whose own connection is full holds back nobody else.
 */
export class ByteAccount {
  /** Bytes taken now. */
  held = 0
  /** Takers that were refused since the start. */
  refused = 0
  readonly #options: ByteAccountOptions
  readonly #queues: Readonly<Record<Purpose, Set<Waiting>>> = {
    call: new Set(),
    answer: new Set(),
    validation: new Set(),
    work: new Set(),
  }
  /** What no connection holds. */
  readonly #own: SubAccount

  constructor(options: ByteAccountOptions) {
    this.#options = options
    this.#own = { limit: options.limit, held: 0, waiting: 0 }
  }

  get limit(): number {
    return this.#options.limit
  }

  /** Takers that wait for room now. */
  get waiting(): number {
    const { call, answer, validation, work } = this.#queues
    return call.size + answer.size + validation.size + work.size
  }

  /**
   * Takes bytes: undefined where there is room, else a promise that waits for room. It rejects with the refusal once it has waited for
   * too long, and with the signal's reason. More than fits at all waits until little else is held.
   */
  take(
    bytes: number,
    purpose: Purpose,
    of: SubAccount = this.#own,
    signal?: AbortSignal,
  ): Promise<void> | undefined {
    if (
      this.#queues[purpose].size > 0 ||
      !this.#fits(bytes, purpose, this) ||
      !this.#fits(bytes, purpose, of)
    )
      return this.#wait(bytes, purpose, of, signal)
    this.add(bytes, of)
    return undefined
  }

  /** Takes bytes, whether there is room or not: for what is in memory already. */
  add(bytes: number, of: SubAccount = this.#own): void {
    this.held += bytes
    of.held += bytes
  }

  /** Gives bytes back, and lets those in who wait for them. */
  give(bytes: number, of: SubAccount = this.#own): void {
    this.held -= bytes
    of.held -= bytes
    if (this.waiting > 0) this.#letIn()
  }

  /** What is larger than a whole part may have all of it. */
  #fits(bytes: number, purpose: Purpose, within: SubAccount) {
    const part = Math.floor(Math.min(within.limit, this.limit) * PARTS[purpose])
    return within.held + Math.min(bytes, part) <= part
  }

  #wait(bytes: number, purpose: Purpose, of: SubAccount, signal: AbortSignal | undefined): Promise<void> {
    if (!this.#hasPlace(of)) {
      this.refused++
      return Promise.reject(this.#options.refusal())
    }
    const queue = this.#queues[purpose]
    return new Promise((resolve, reject) => {
      const leave = (thrown: unknown) => {
        end()
        reject(thrown)
      }
      const refuse = () => {
        this.refused++
        leave(this.#options.refusal())
      }
      const cancel = startTimer(this.#options.waitMs, refuse)
      const abort = () => leave(signal?.reason)
      const end = () => {
        cancel()
        if (queue.delete(waiting)) of.waiting--
        signal?.removeEventListener("abort", abort)
      }
      const grant = () => {
        end()
        this.add(bytes, of)
        resolve()
      }
      const waiting: Waiting = { bytes, of, grant, refuse }
      queue.add(waiting)
      of.waiting++
      if (signal?.aborted) abort()
      else signal?.addEventListener("abort", abort)
      // Those before it may wait for their own connections only.
      this.#letIn()
    })
  }

  /** Whether one more of a part may wait. Where all places are taken, the part that has most gives one of its own. */
  #hasPlace(of: SubAccount): boolean {
    const { maxWaiting, maxWaitingOfOne } = this.#options
    if (of !== this.#own && of.waiting >= maxWaitingOfOne) return false
    if (this.waiting < maxWaiting) return true
    const newest = this.#newestOfMost()
    if (newest === undefined || newest.of.waiting <= of.waiting + 1) return false
    newest.refuse()
    return true
  }

  /** The newest that waits of the connection that has most waiting. */
  #newestOfMost(): Waiting | undefined {
    let found: Waiting | undefined
    for (const purpose of PURPOSES)
      for (const waiting of this.#queues[purpose])
        if (waiting.of !== this.#own && waiting.of.waiting >= (found?.of.waiting ?? 0)) found = waiting
    return found
  }

  #letIn() {
    for (const purpose of PURPOSES)
      for (const waiting of this.#queues[purpose]) {
        if (!this.#fits(waiting.bytes, purpose, this)) break
        if (this.#fits(waiting.bytes, purpose, waiting.of)) waiting.grant()
      }
  }
}

/** In the order in which they are let in: answers and small calls free what they hold soonest. */
const PURPOSES = ["answer", "call", "validation", "work"] as const
