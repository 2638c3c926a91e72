import { setTimeout as sleep } from "node:timers/promises"
import { create } from "@bufbuild/protobuf"
import { mapInTurns, type ShapeLimits } from "@trust-registry/eatp"
import {
  ChainFilterSchema,
  ErrorReason,
  type ExportChainsRequest,
  ExportChainsResponseSchema,
  encodeItems,
  type TrustStoreService,
} from "@trust-registry/proto"
import { invalidRequest, RegistryError } from "../../errors.js"
import type { RpcContext } from "../../rpc/context.js"
import type { Handlers } from "../../rpc/handlers.js"
import { compacted } from "../../store/history/historicalPoint.js"
import { recordOf } from "../../store/rows/chainRows.js"
import { encodedListed } from "../../store/rows/encodedChain.js"
import type { Store } from "../../store/store.js"
import { assureId } from "../request/fields.js"
import { assureFilter, filtered } from "../request/filter.js"

/** Limits of one part. A part is sent while the next is read, so a slow caller makes the server hold two. */
const PART_CHAINS = 500
const PART_BYTES = 1024 * 1024

/** The handler of ExportChains. */
export function createExport(
  store: Store,
  limits: ShapeLimits,
): Handlers<typeof TrustStoreService, RpcContext>["exportChains"] {
  return async function* (request, context) {
    const { filter, afterAgentId, snapshotRevision, includePurged, afterPurgedAgentId } = request
    assureFilter(filter, limits)
    assurePlaces(request, limits)
    const revision =
      includePurged && snapshotRevision === 0n
        ? await settledSnapshot(store, context)
        : await snapshotOf(store, snapshotRevision)
    const now = store.now()
    let held = 0
    const read = (after: string) => {
      const bounds = { after, limit: PART_CHAINS, maxBytes: PART_BYTES }
      const query = { ...bounds, filter, revision, documents: true, now }
      const part = readPart(context, held, () => filtered(store.chains.export(query)))
      // The part may be awaited much later or never; its failure must not count as unhandled meanwhile.
      part.catch(() => undefined)
      return part
    }
    yield { part: { case: "snapshotRevision" as const, value: revision }, includesPurged: includePurged }
    // Revision 0 is the empty registry.
    let next: Promise<ExportPart> | undefined =
      revision === 0n || afterPurgedAgentId !== "" ? undefined : read(afterAgentId)
    while (next) {
      const { responses, bytes, last }: ExportPart = await next
      held = bytes
      next = last === undefined ? undefined : read(last)
      for (const response of responses) {
        if (context.draining.aborted) throw stopping()
        yield response
      }
    }
    for (
      let after: string | undefined = includePurged ? afterPurgedAgentId : undefined;
      after !== undefined;
    ) {
      const { rows, last } = await store.chains.tombstones(revision, after)
      for (const row of rows) {
        if (context.draining.aborted) throw stopping()
        yield { part: { case: "purged" as const, value: recordOf(row) } }
      }
      after = last
    }
  }
}

function assurePlaces(request: ExportChainsRequest, limits: ShapeLimits): void {
  const { filter, includePurged, afterAgentId, afterPurgedAgentId } = request
  if (afterAgentId !== "") assureId("after_agent_id", afterAgentId, limits)
  if (afterPurgedAgentId !== "") assureId("after_purged_agent_id", afterPurgedAgentId, limits)
  if (!includePurged && afterPurgedAgentId !== "")
    throw invalidRequest("after_purged_agent_id", "needs include_purged")
  const { $typeName, $unknown, includeInactive, ...conditions } = filter ?? create(ChainFilterSchema)
  const narrows = Object.values(conditions).some(
    (value) => value !== "" && value !== 0 && value !== undefined,
  )
  if (includePurged && narrows)
    throw invalidRequest("include_purged", "is not allowed with conditions: a tombstone has nothing to match")
}

/** A part that is ready to be sent. */
interface ExportPart {
  responses: Buffer[]
  bytes: number
  /** The agent that the next part comes after; undefined if this is the last one. */
  last: string | undefined
}

/** What a part holds while it is read: the text of the documents, the objects that they are parsed to, and the responses. */
const READ_BYTES = 3 * PART_BYTES

/** Reads a part, beside the one of `held` bytes that is being sent. It is encoded at once, which makes it a third as large. */
async function readPart(
  context: RpcContext,
  held: number,
  read: () => ReturnType<Store["chains"]["export"]>,
): Promise<ExportPart> {
  await context.hold(held + READ_BYTES)
  context.signal.throwIfAborted()
  const { rows, more } = await read()
  const responses = await mapInTurns(rows, (row) =>
    encodeItems(ExportChainsResponseSchema.field.stored, [encodedListed(row, context.maxItemBytes)]),
  )
  const bytes = responses.reduce((sum, { length }) => sum + length, 0)
  await context.hold(held + bytes)
  return { responses, bytes, last: more ? rows.at(-1)?.agent_id : undefined }
}

/** How long to wait before looking again whether a cascade is complete, in milliseconds. */
const PAUSE_MS = 250

/**
 * The newest revision, at which no large cascade is half written: what is moved there would be without the rest of it. Waits for
 * those in progress.
 */
async function settledSnapshot(store: Store, { signal, draining }: RpcContext): Promise<bigint> {
  for (;;) {
    if (draining.aborted) throw stopping()
    const before = await store.revocations.cascadeState()
    const { newest } = await store.history.ends()
    // Whatever came before it is committed by then.
    await store.feed.reached(newest, signal)
    const after = await store.revocations.cascadeState()
    if (!before.inProgress && !after.inProgress && before.begun === after.begun) return newest
    await sleep(PAUSE_MS, undefined, { signal })
  }
}

/** The requested revision, or the newest. Throws if it is compacted or does not exist yet. */
async function snapshotOf(store: Store, asked: bigint): Promise<bigint> {
  if (asked < 0n) throw invalidRequest("snapshot_revision", `is ${asked}; at least 0 is allowed`)
  const { oldest, newest } = await store.history.ends()
  if (asked === 0n) return newest
  if (asked < oldest) throw compacted(asked, oldest)
  if (asked > newest)
    throw invalidRequest("snapshot_revision", `is ${asked}; the newest revision is ${newest}`)
  return asked
}

function stopping() {
  return new RegistryError(
    ErrorReason.SHUTTING_DOWN,
    "the server is stopping: resume after the last agent, at the same snapshot_revision",
  )
}
