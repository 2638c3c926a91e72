import { randomUUID } from "node:crypto"
import { create } from "@bufbuild/protobuf"
import { status } from "@grpc/grpc-js"
import { ImportChainsRequestSchema, StoreChainRequestSchema } from "@trust-registry/proto"
import {
  type Attempted,
  agentIdOf,
  type ChainToImport,
  type ImportConnection,
  type ImportedChain,
  importOnce,
  type Sent,
} from "./chainImport.js"
import { TrustChainInvalidError } from "./errors.js"
import type { CallOptions } from "./options.js"
import { resumption } from "./resume.js"
import { openWaiting, type Waiting } from "./waitingChains.js"

/** Options of an import. */
export interface ImportOptions extends CallOptions {
  /**
   * Called with the index of a chain that has to wait, because a delegator of it has no stored chain yet. Its result comes after
   * those of the rest.
   */
  waits?: ((index: number) => void) | undefined
}

/** Imports chains in any order, see {@link importInAnyOrder}. A chain without a request_id gets one. */
export async function* importChains(
  connection: ImportConnection,
  chains: AsyncIterable<ChainToImport> | Iterable<ChainToImport>,
  options?: ImportOptions,
): AsyncGenerator<ImportedChain> {
  for await (const { request, ...result } of importInAnyOrder(connection, sentOf(chains), options))
    yield result
}

async function* sentOf(chains: AsyncIterable<ChainToImport> | Iterable<ChainToImport>): AsyncGenerator<Sent> {
  let index = 0
  for await (const chain of chains) {
    const request = create(StoreChainRequestSchema, { ...chain, requestId: chain.requestId || randomUUID() })
    yield { index: index++, request: create(ImportChainsRequestSchema, { request }) }
  }
}

/**
 * Imports chains, each after the delegators of it that come later. What is refused because a delegator has no stored chain is kept
 * in a temporary file and sent again after the rest, until none of it can be stored. Of what is left, a chain goes in without
 * its delegator (UNVERIFIED, or refused where signatures are required) once that delegator is not among the chains that are left.
 *
 * @param strict refuses a chain whose delegator was refused, instead of storing it without
 */
export async function* importInAnyOrder(
  connection: ImportConnection,
  chains: AsyncIterable<Sent> | Iterable<Sent>,
  options: ImportOptions = {},
  strict = false,
): AsyncGenerator<Attempted> {
  const { waits, ...rest } = options
  // All attempts share one `timeoutMs`.
  const { options: left } = resumption(rest)
  const refused = new Set<string>()
  const superseded = new Map<string, number>()
  let waiting = openWaiting()
  let held = openWaiting()
  const attempt = async function* (sent: AsyncIterable<Sent>) {
    for await (const result of importOnce(connection, sent, left())) {
      if (isWaiting(result)) {
        waiting.add(result)
        waits?.(result.index)
      } else {
        const agentId = agentIdOf(result.request) ?? ""
        if (strict && result.error) refused.add(agentId)
        if (result.stored && (waiting.agents.has(agentId) || held.agents.has(agentId)))
          superseded.set(agentId, result.index)
        yield result
      }
    }
  }
  try {
    yield* attempt(demanding(chains))
    for (let round: Round = "demanding"; waiting.count > 0; ) {
      held.remove()
      held = waiting
      waiting = openWaiting()
      const before = new Map(superseded)
      const isOpen = ({ index, request }: Sent) => (before.get(agentIdOf(request) ?? "") ?? -1) < index
      for (const sent of held.all()) if (!isOpen(sent)) yield replaced(sent)
      if (round === "last" && strict) yield* blocked(held, isOpen)
      else yield* attempt(sentIn(round, held, isOpen, waiting, refused))
      round = nextRound(round, waiting.count === held.count)
    }
  } finally {
    held.remove()
    waiting.remove()
  }
}

/** Chains of one agent keep their order: what had to wait must not replace what came after it. */
function replaced(sent: Sent): Attempted {
  const message = "a later chain of the same agent was stored, before the delegator of this one was"
  const facts = {
    code: status.FAILED_PRECONDITION,
    reason: "TRUST_CHAIN_INVALID",
    agentId: agentIdOf(sent.request),
  }
  return { ...sent, error: new TrustChainInvalidError(message, facts) }
}

/** `lenient`: those go in without their delegators that no other chain can help. `last`: all, since they wait for each other. */
type Round = "demanding" | "lenient" | "last"

function nextRound(round: Round, stuck: boolean): Round {
  if (!stuck) return "demanding"
  return round === "demanding" ? "lenient" : "last"
}

async function* demanding(chains: AsyncIterable<Sent> | Iterable<Sent>): AsyncGenerator<Sent> {
  for await (const sent of chains) yield demand(sent, true)
}

async function* sentIn(
  round: Round,
  held: Waiting,
  isOpen: (sent: Sent) => boolean,
  waiting: Waiting,
  refused: ReadonlySet<string>,
): AsyncGenerator<Sent> {
  for (const sent of held.all()) {
    if (!isOpen(sent)) continue
    const hopes = (id: string) => held.agents.has(id) || refused.has(id)
    if (round === "lenient" && delegatorsOf(sent).some(hopes)) waiting.add(sent)
    else yield demand(sent, round === "demanding")
  }
}

function demand({ index, request }: Sent, requireDelegators: boolean): Sent {
  return { index, request: { ...request, requireDelegators } }
}

function* blocked(held: Waiting, isOpen: (sent: Sent) => boolean): Generator<Attempted> {
  for (const sent of held.all()) {
    if (!isOpen(sent)) continue
    const agentId = agentIdOf(sent.request)
    const id = delegatorsOf(sent).find((id) => !held.agents.has(id)) ?? delegatorsOf(sent)[0] ?? ""
    const message = `its delegator ${JSON.stringify(id)} was not stored, and without it this chain would be denied less`
    const facts = { code: status.FAILED_PRECONDITION, reason: "TRUST_CHAIN_INVALID", agentId }
    yield {
      ...sent,
      error: new TrustChainInvalidError(message, { ...facts, metadata: { missing_delegator: id } }),
    }
  }
}

function isWaiting({ request, error }: Attempted): boolean {
  return request.requireDelegators && error !== undefined && "missing_delegator" in error.metadata
}

function delegatorsOf({ request: { request } }: Sent): string[] {
  const { genesis, delegations = [] } = request?.chain ?? {}
  return delegations.map(({ delegatorId }) => delegatorId).filter((id) => id !== genesis?.agentId)
}
