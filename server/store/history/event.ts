import { type Json, parseJson } from "@trust-registry/eatp"
import { ChainEventSchema, encodeItems, Operation, WatchChainsResponseSchema } from "@trust-registry/proto"
import type { Facts, Standing } from "../filter/matcher.js"
import { encodedChange, OPERATIONS, type OperationText, type RevisionRow } from "../rows/revisionRows.js"
import type { EventRow } from "./eventRows.js"

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
  /** The event without it, under its own operation or as one that has left the filter. */
  bare(left: boolean): Buffer
}

/** An event, encoded at once, so that the document itself need not be kept. */
export function eventOf(row: EventRow): HistoryEvent {
  const { chain_data, facts, metadata, previous_facts, previous_metadata, ...kept } = row
  const { agent_id, authority_id, is_active, expires_at, revision, operation } = kept
  const pieces: Partial<Record<Operation, Buffer>> = {}
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
    full: pieceOf(row),
    bare(left) {
      const told = left ? Operation.LEFT : OPERATIONS[operation]
      pieces[told] ??= pieceOf({ ...kept, chain_data: null }, told)
      return pieces[told]
    },
  }
}

/** The chain of a row, or its record alone, as one that stands now. */
export function currentPiece(row: RevisionRow, withChain: boolean): Buffer {
  return pieceOf(withChain ? row : { ...row, chain_data: null }, Operation.CURRENT)
}

function pieceOf(row: RevisionRow, operation?: Operation): Buffer {
  return encodeItems(WatchChainsResponseSchema.field.events, [
    encodedChange(ChainEventSchema, row, operation),
  ])
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
