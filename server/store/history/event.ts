import { inTurns, type Json, parseSteps } from "@trust-registry/eatp"
import { ChainEventSchema, encodeItems, WatchChainsResponseSchema } from "@trust-registry/proto"
import type { ChainState, Facts } from "../filter/matcher.js"
import { encodedListed, encodedTooLarge } from "../rows/encodedChain.js"
import { encodedRevision, type OperationText, type RevisionRow } from "../rows/revisionRows.js"
import type { EventRow } from "./eventRows.js"

/**
 * A change of a chain, encoded once for all watchers. Each piece is a WatchChainsResponse with this one event in protobuf's binary
 * form; concatenated pieces are one response with all their events.
 */
export interface HistoryEvent {
  readonly revision: bigint
  readonly operation: OperationText
  /** The chain after the change. */
  readonly state: ChainState
  /** The chain before the change; undefined if the agent had none. */
  readonly previous: ChainState | undefined
  /** The event with the chain, if there is one that parses. */
  readonly full: Buffer
  /** The event without it, and with its size. */
  tooLarge(): Buffer
  /** The event without it, as a change or as one that took the chain out of the filter. */
  bare(left: boolean): Buffer
}

/** The event of a row, encoded at once so that the document can be freed. */
export function eventOf(row: EventRow): HistoryEvent {
  const { chain_data, facts, metadata, previous_facts, previous_metadata, ...kept } = row
  const { agent_id, authority_id, is_active, expires_at, revision, operation } = kept
  const pieces: Partial<Record<ChangeKind | "tooLarge", Buffer>> = {}
  const full = changePiece("changed", row)
  return {
    revision,
    operation,
    state: { agent_id, authority_id, is_active, expires_at, facts: factsOf(facts, metadata) },
    previous:
      kept.previous_authority_id === null
        ? undefined
        : {
            agent_id,
            authority_id: kept.previous_authority_id,
            is_active: kept.previous_is_active === true,
            expires_at: kept.previous_expires_at,
            facts: factsOf(previous_facts, previous_metadata),
          },
    full,
    tooLarge() {
      const stored = () => encodedTooLarge(kept, full.length)
      pieces.tooLarge ??= pieceOf("changed", encodedRevision({ ...kept, chain_data: null }, stored()))
      return pieces.tooLarge
    },
    bare(left) {
      const kind = left ? "left" : "changed"
      pieces[kind] ??= changePiece(kind, { ...kept, chain_data: null })
      return pieces[kind]
    },
  }
}

/** A chain of the current state as an event, with the chain or only its record. */
export function currentPiece(row: RevisionRow, withChain: boolean, maxBytes?: number): Buffer {
  return pieceOf("current", encodedListed(withChain ? row : { ...row, chain_data: null }, maxBytes))
}

/** Whether an event is a change, or one that took the chain out of the filter. */
type ChangeKind = "changed" | "left"

function changePiece(kind: ChangeKind, row: RevisionRow): Buffer {
  return pieceOf(kind, encodedRevision(row))
}

function pieceOf(kind: ChangeKind | "current", content: Buffer): Buffer {
  const event = encodeItems(ChainEventSchema.field[kind], [content])
  return encodeItems(WatchChainsResponseSchema.field.events, [event])
}

function factsOf(found: EventRow["facts"], text: string | null): Facts | null {
  let metadata: Promise<Json | undefined> | undefined
  return (
    found && {
      ...found,
      metadata: () => {
        metadata ??= text === null ? Promise.resolve(undefined) : parsed(text)
        return metadata
      },
    }
  )
}

/** Metadata that was written by hand may nest too deep, or repeat a key. */
async function parsed(text: string): Promise<Json | undefined> {
  try {
    return await inTurns(parseSteps(text))
  } catch {
    return undefined
  }
}
