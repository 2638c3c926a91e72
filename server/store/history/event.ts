import { type Json, parseJson } from "@trust-registry/eatp"
import { ChainEventSchema, encodeItems, WatchChainsResponseSchema } from "@trust-registry/proto"
import { encodedListed } from "../chains/encodedChain.js"
import type { EventRow } from "./eventRows.js"
import { encodedRevision, type OperationText, type RevisionRow } from "./history.js"
import type { Facts, Standing } from "./matcher.js"

/**
 * A change of a chain, ready to be sent to many. Its pieces are each a WatchChainsResponse with this one event in protobuf's
 * binary form: such pieces behind each other are one response with all their events.
 */
export interface HistoryEvent {
  readonly revision: bigint
  readonly operation: OperationText
  /** The chain after the change. */
  readonly standing: Standing
  /** The chain before it; undefined: the agent had none. */
  readonly previous: Standing | undefined
  /** The event with the chain, where there is one that parses. */
  readonly full: Buffer
  /** The event without it, as a change or as one that took the chain out of the filter. */
  bare(left: boolean): Buffer
}

/** An event, encoded at once, so that the document itself need not be kept. */
export function eventOf(row: EventRow): HistoryEvent {
  const { chain_data, facts, metadata, previous_facts, previous_metadata, ...kept } = row
  const { agent_id, authority_id, is_active, expires_at, revision, operation } = kept
  const pieces: Partial<Record<ChangeKind, Buffer>> = {}
  return {
    revision,
    operation,
    standing: { agent_id, authority_id, is_active, expires_at, facts: factsOf(facts, metadata) },
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
    full: changePiece("changed", row),
    bare(left) {
      const kind = left ? "left" : "changed"
      pieces[kind] ??= changePiece(kind, { ...kept, chain_data: null })
      return pieces[kind]
    },
  }
}

/** The chain of a row, or its record alone, as one that matches now. */
export function currentPiece(row: RevisionRow, withChain: boolean): Buffer {
  return pieceOf("current", encodedListed(withChain ? row : { ...row, chain_data: null }))
}

/** How an event tells of a change. */
type ChangeKind = "changed" | "left"

function changePiece(kind: ChangeKind, row: RevisionRow): Buffer {
  return pieceOf(kind, encodedRevision(row))
}

function pieceOf(kind: ChangeKind | "current", told: Buffer): Buffer {
  const event = encodeItems(ChainEventSchema.field[kind], [told])
  return encodeItems(WatchChainsResponseSchema.field.events, [event])
}

function factsOf(found: EventRow["facts"], text: string | null): Facts | null {
  let metadata: { value: Json | undefined } | undefined
  return (
    found && {
      ...found,
      metadata: () => {
        metadata ??= { value: text === null ? undefined : parsed(text) }
        return metadata.value
      },
    }
  )
}

/** What was set by hand may nest deeper, or repeat a key. */
function parsed(text: string): Json | undefined {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}
