import type { ByteAccount, Purpose } from "../../async/byteAccount.js"
import type { TrustReader } from "../../store/readers/trustReader.js"
import type { ServedChain } from "../../store/rows/servedChain.js"

/** Bounds the readers that one reading uses: by the bytes of the chains that they find, and by its signal. */
export type Bound = <Reader extends TrustReader>(reader: Reader) => Reader

/** What a reading found, and what it holds of the account until then. */
export interface Read<Found> {
  found: Found
  /** Gives back what the chains count for. */
  release(): void
}

/** Bytes of chains that nearly every reading stays below. */
const SMALL_BYTES = 1024 * 1024
/** What a byte of a chain counts for, once it is decoded. */
const FACTOR = 3
/** What a reading of many large chains counts for: signers.ts bounds it. */
const LARGE_BYTES = 16 * 1024 * 1024

/**
 * Reads chains whose size is known only after they are read, once there is room for them. A reading that turns out to be large starts
 * again when there is room for that: none holds what another one waits for.
 *
 * @param read called with the bound for its readers and with a signal that aborts when the reading ends early; perhaps twice
 * @param signal ends the reading
 * @param purpose `validation` for a call that holds a large request already: requests cannot fill what it waits for
 */
export async function readInRoom<Found>(
  account: ByteAccount | undefined,
  signal: AbortSignal,
  read: (bound: Bound, signal: AbortSignal) => Promise<Found>,
  purpose: Purpose = "work",
): Promise<Read<Found>> {
  try {
    return await readWithin(SMALL_BYTES, account, signal, read, purpose)
  } catch (error) {
    if (error !== TOO_LARGE) throw error
    return await readWithin(LARGE_BYTES, account, signal, read, purpose)
  }
}

const TOO_LARGE = new Error("the chains are larger than there was room for")

async function readWithin<Found>(
  most: number,
  account: ByteAccount | undefined,
  signal: AbortSignal,
  read: (bound: Bound, signal: AbortSignal) => Promise<Found>,
  purpose: Purpose,
): Promise<Read<Found>> {
  await account?.take(FACTOR * most, purpose, undefined, signal)
  const attempt = new AbortController()
  const leave = () => attempt.abort(signal.reason)
  signal.addEventListener("abort", leave)
  const release = () => account?.give(FACTOR * most)
  try {
    signal.throwIfAborted()
    const found = await read(boundOf(most === LARGE_BYTES ? Infinity : most, attempt.signal), attempt.signal)
    return { found, release }
  } catch (error) {
    // Its other reads are not worth starting.
    attempt.abort(error)
    release()
    throw error
  } finally {
    signal.removeEventListener("abort", leave)
  }
}

function boundOf(most: number, signal: AbortSignal): Bound {
  const counted = new Set<ServedChain>()
  let bytes = 0
  const count = (chain: ServedChain | null) => {
    signal.throwIfAborted()
    if (chain === null || counted.has(chain)) return chain
    counted.add(chain)
    bytes += chain.bytes.length
    if (bytes > most) throw TOO_LARGE
    return chain
  }
  const going = <Args extends unknown[], Found>(read: (...args: Args) => Found) => {
    return (...args: Args) => {
      signal.throwIfAborted()
      return read(...args)
    }
  }
  return (reader) => ({
    ...reader,
    getChain: (agentId) => {
      signal.throwIfAborted()
      const found = reader.getChain(agentId)
      return found instanceof Promise ? found.then(count) : count(found)
    },
    getAuthority: going(reader.getAuthority),
    goneAgents: going(reader.goneAgents),
    firstStored: going(reader.firstStored),
  })
}
