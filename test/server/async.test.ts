import { once } from "node:events"
import { MessageChannel } from "node:worker_threads"
import { expect } from "chai"
import { within } from "../../server/dist/async/deadline.js"
import { createSemaphore } from "../../server/dist/async/semaphore.js"
import { createSignal } from "../../server/dist/async/signal.js"
import { startTimer } from "../../server/dist/async/timer.js"

const FAR_MS = 60_000
const never = new Promise<never>(() => undefined)

describe("a semaphore", () => {
  it("runs at most as many tasks as it has permits, and the rest in order", async () => {
    const semaphore = createSemaphore(2)
    const started: number[] = []
    const finish: (() => void)[] = []
    const work = [0, 1, 2, 3].map((item) =>
      semaphore(async () => {
        started.push(item)
        await new Promise<void>((resolve) => {
          finish[item] = resolve
        })
        return item
      }),
    )
    await turn()
    expect(started).to.deep.equal([0, 1])
    finish[1]?.()
    await work[1]
    await turn()
    expect(started).to.deep.equal([0, 1, 2])
    finish[0]?.()
    finish[2]?.()
    await work[2]
    await turn()
    finish[3]?.()
    expect(await Promise.all(work)).to.deep.equal([0, 1, 2, 3])
  })

  it("frees the permit of a failed task", async () => {
    const semaphore = createSemaphore(1)
    const failed = semaphore(() => Promise.reject(new Error("failed")))
    const next = semaphore(() => Promise.resolve("done"))
    expect(await failed.catch((error: Error) => error.message)).to.equal("failed")
    expect(await next).to.equal("done")
  })

  it("hands a freed permit to the first waiter, which newcomers cannot overtake", async () => {
    const semaphore = createSemaphore(1)
    const order: string[] = []
    const first = semaphore(() => Promise.resolve())
    const waiting = semaphore(async () => {
      order.push("waited")
      await turn()
      order.push("done")
    })
    const late = first.then(() => semaphore(async () => void order.push("came late")))
    await Promise.all([waiting, late])
    expect(order).to.deep.equal(["waited", "done", "came late"])
  })
})

describe("a signal", () => {
  it("wakes all waiters", async () => {
    const signal = createSignal()
    const waits = [signal.wait(), signal.wait(FAR_MS)]
    signal.notify()
    expect(await Promise.all(waits)).to.deep.equal([true, true])
  })

  it("is kept for the next wait if nobody waits, once", async () => {
    const signal = createSignal()
    signal.notify()
    signal.notify()
    expect(await signal.wait()).to.equal(true)
    expect(await signal.wait(1)).to.equal(false)
  })

  it("is not kept once it has woken a waiter", async () => {
    const signal = createSignal()
    const wait = signal.wait()
    signal.notify()
    expect(await wait).to.equal(true)
    expect(await signal.wait(1)).to.equal(false)
  })

  it("is not consumed by a wait that timed out before it", async () => {
    const signal = createSignal()
    expect(await signal.wait(1)).to.equal(false)
    signal.notify()
    expect(await signal.wait(1)).to.equal(true)
  })
})

describe("a deadline", () => {
  const fail = () => {
    throw new Error("late")
  }

  it("returns a result in time, or throws its error", async () => {
    expect(await within(Promise.resolve("answer"), { ms: FAR_MS, late: fail })).to.equal("answer")
    const failed = within(Promise.reject(new Error("failed")), { ms: FAR_MS, late: fail })
    expect(await messageOf(failed)).to.equal("failed")
  })

  it("returns or throws the substitute for a late result", async () => {
    expect(await within(never, { ms: 1, late: () => "late" })).to.equal("late")
    expect(await messageOf(within(never, { ms: 1, late: fail }))).to.equal("late")
  })

  it("causes no unhandled rejection when a late result fails", async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on("unhandledRejection", note)
    let reject: (error: Error) => void = () => undefined
    const answer = new Promise<never>((_, no) => {
      reject = no
    })
    expect(await within(answer, { ms: 1, late: () => "late" })).to.equal("late")
    reject(new Error("after the deadline"))
    await turn()
    await turn()
    process.off("unhandledRejection", note)
    expect(unhandled).to.deep.equal([])
  })

  it("calls late once, and only if the result did not arrive", async () => {
    let calls = 0
    const late = () => ++calls
    await within(Promise.resolve(), { ms: 1, late })
    await within(never, { ms: 5, late })
    expect(calls).to.equal(1)
  })

  it("can be extended repeatedly", async () => {
    const left = [true, true, false]
    expect(await within(never, { ms: 1, late: () => "late", extend: () => left.shift() === true })).to.equal(
      "late",
    )
    expect(left).to.deep.equal([])
  })

  it("does not treat a result as late if it arrived while the process was suspended", async () => {
    const { port1, port2 } = new MessageChannel()
    const answer = within(once(port2, "message"), { ms: 1, late: fail })
    port1.postMessage("answer")
    const until = performance.now() + 5
    while (performance.now() < until);
    const [event] = await answer
    expect((event as { data?: unknown }).data ?? event).to.equal("answer")
    port1.close()
  })
})

describe("a timer", () => {
  it("does not fire early by the monotonic clock", async () => {
    // Node.js counts in whole milliseconds, so that its timers may fire within the last of them.
    for (let round = 0; round < 50; round++) {
      const started = performance.now()
      const due = new Promise<void>((resolve) => startTimer(1, resolve))
      while (performance.now() < started + 0.6);
      await due
      expect(performance.now() - started).to.be.at.least(1)
    }
  })

  it("supports delays above Node.js's 2^31 - 1 ms", async () => {
    const warnings: string[] = []
    const note = ({ name }: Error) => warnings.push(name)
    process.on("warning", note)
    let due = 0
    const cancels = [2 ** 31, Number.POSITIVE_INFINITY].map((ms) => startTimer(ms, () => due++))
    await new Promise<void>((resolve) => startTimer(5, resolve))
    for (const cancel of cancels) cancel()
    process.off("warning", note)
    expect({ due, warnings }).to.deep.equal({ due: 0, warnings: [] })
  })

  it("does nothing once cancelled, not even in the turn in which it is due", async () => {
    let calls = 0
    const cancel = startTimer(0, () => calls++)
    // Both timers are due by then: the first asks for a turn, the second cancels it before that comes.
    setTimeout(cancel, 1)
    const until = performance.now() + 5
    while (performance.now() < until);
    for (let turns = 0; turns < 3; turns++) await turn()
    expect(calls).to.equal(0)
  })
})

function turn() {
  return new Promise<void>((resolve) => setImmediate(resolve))
}

function messageOf(promise: Promise<unknown>) {
  return promise.then(
    () => "no error",
    (error: Error) => error.message,
  )
}
