import type { Depends, Document } from "../../store/chains/writes.js"
import type { MemoryReader } from "../../store/readers/memoryReader.js"
import type { RecordRow } from "../../store/rows/chainRows.js"
import { type ServedChain, servedChain } from "../../store/rows/servedChain.js"

/** Reads what the chains of a batch are validated against: valid chains earlier in the batch, else the stored ones. */
export interface BatchReader extends MemoryReader {
  /** Adds a valid chain of the batch: from now on it reads as if it were stored. */
  add(document: Omit<Document, "depends"> & { agentId: string }): void
  /** These revisions without those of the batch's own agents, which are written in the same transaction. */
  othersOf(depends: Depends): Depends
}

/** Creates a reader over memory that has no chain of the batch yet. */
export function createBatchReader(memory: MemoryReader): BatchReader {
  const own = new Map<string, () => ServedChain>()
  return {
    now: memory.now,
    kept: { ...memory.kept, getChain: (agentId) => own.get(agentId)?.() ?? memory.kept.getChain(agentId) },
    getChain: (agentId) => own.get(agentId)?.() ?? memory.getChain(agentId),
    getAuthority: memory.getAuthority,
    goneAgents: memory.goneAgents,
    firstStored: memory.firstStored,
    vouched: memory.vouched,
    forget: memory.forget,
    add: (document) => {
      let served: ServedChain | undefined
      own.set(document.agentId, () => {
        served ??= servedChain(rowOf(document))
        return served
      })
    },
    othersOf: ({ chains, authorities }) => ({
      chains: new Map([...chains].filter(([agentId]) => !own.has(agentId))),
      authorities,
    }),
  }
}

/** The row that the chain will become, with the columns that validation of other chains reads. */
function rowOf(document: Omit<Document, "depends"> & { agentId: string }): Parameters<typeof servedChain>[0] {
  const record: RecordRow = {
    agent_id: document.agentId,
    revision: 0n,
    authority_id: document.authorityId,
    chain_hash: document.chainHash,
    content_hash: document.contentHash,
    status: "active",
    is_active: true,
    signature_status: document.signatureStatus,
    created_at: 0n,
    updated_at: 0n,
    expires_at: document.expiresAt ?? null,
    updated_by: "",
    revokes_at: null,
  }
  return {
    ...record,
    chain_data: JSON.parse(document.json),
    chain_bytes: document.bytes,
    revocations: [],
    document_revision: 0n,
  }
}
