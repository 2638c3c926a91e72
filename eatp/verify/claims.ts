import { verifyText, verifyTextAside } from "../signing/ed25519.js"
import type { AuthorityKey } from "./authorityKeys.js"

/** That a signature over a payload was made with one of these keys; there may be none. */
export type Claim = { signature: string; text: string; keys: readonly AuthorityKey[] }

/** Finds out about claims, each once: when it is asked for, or before that on other threads. */
export type Claims = {
  /** Whether a claim is true; a promise of that within {@link Claims.ahead}. */
  holds(claim: Claim): boolean | Promise<boolean>
  /** Answers once for each record, whatever else is told. */
  byRecord<Item extends object, Rest extends unknown[], Found>(
    find: (item: Item, ...rest: Rest) => Found,
  ): (item: Item, ...rest: Rest) => Exclude<Found, Promise<boolean>>
  /**
   * Calls these, each of which asks for an answer, and has the claims behind them verified on other threads, all at once. What
   * they give is of no use; asked once more, when this has resolved, the answers are there.
   */
  ahead(asks: Iterable<() => unknown>): Promise<void>
}

/** Claims of which nothing is known yet. */
export function openClaims(): Claims {
  /** What is being verified, while it is found out what to verify. */
  let aside: Promise<unknown>[] | undefined
  return {
    holds: (claim) => (aside === undefined ? isTrue(claim) : isTrueAside(claim)),
    byRecord: <Item extends object, Rest extends unknown[], Found>(
      find: (item: Item, ...rest: Rest) => Found,
    ) => {
      type Answer = Exclude<Found, Promise<boolean>>
      const answers = new Map<Item, Answer>()
      return (item: Item, ...rest: Rest): Answer => {
        const answer = answers.get(item)
        if (answer !== undefined) return answer
        const found = find(item, ...rest)
        if (!(found instanceof Promise)) {
          answers.set(item, found as Answer)
          return found as Answer
        }
        const known = found.then((holds: boolean) => answers.set(item, holds as Answer))
        // Nobody hears of it where one of those that are asked after it throws.
        known.catch(() => undefined)
        aside?.push(known)
        return false as Answer
      }
    },
    ahead: async (asks) => {
      const begun: Promise<unknown>[] = []
      aside = begun
      try {
        for (const ask of asks) ask()
      } finally {
        aside = undefined
      }
      await Promise.all(begun)
    },
  }
}

function isTrue({ signature, text, keys }: Claim): boolean {
  return keys.some(({ publicKey }) => verifyText(text, signature, publicKey))
}

async function isTrueAside({ signature, text, keys }: Claim): Promise<boolean> {
  for (const { publicKey } of keys) if (await verifyTextAside(text, signature, publicKey)) return true
  return false
}
