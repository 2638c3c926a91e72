import { ErrorReason } from "@trust-registry/proto"
import { expect } from "chai"
import { RegistryError } from "../../server/dist/errors.js"
import { acceptedRow } from "../../server/dist/service/authorities/authorityErrors.js"
import { acceptedRecord } from "../../server/dist/service/chains/outcomes.js"
import { assureAccepted } from "../../server/dist/service/revocations/revocationErrors.js"
import type { AuthorityWrite } from "../../server/dist/store/authorities/authorities.js"
import type { Outcome, Write } from "../../server/dist/store/chains/writes.js"
import type { AuthorityRow } from "../../server/dist/store/rows/authorityRows.js"
import type { RecordRow } from "../../server/dist/store/rows/chainRows.js"

const record: RecordRow = {
  agent_id: "agent",
  revision: 7n,
  authority_id: "authority",
  chain_hash: "",
  content_hash: "",
  status: "active",
  is_active: true,
  signature_status: "unverified",
  created_at: 0n,
  updated_at: 0n,
  expires_at: null,
  updated_by: "",
  revokes_at: null,
}
const write: Write = {
  operation: "store",
  agentId: "agent",
  requestId: "request",
  actor: "",
  expectedRevision: undefined,
}
const row = { authority_id: "authority", revision: 7n } as AuthorityRow
const authorityWrite = {
  operation: "update",
  authorityId: "authority",
  requestId: "request",
} as AuthorityWrite
const parent = { id: "parent", field: "parent_authority_id" }

/** As a newer schema may answer an older server. */
const UNKNOWN = "refused_by_a_later_rule" as never

describe("write outcomes", () => {
  const chain = (outcome: Outcome["outcome"], known: RecordRow | undefined = record) =>
    acceptedRecord(write, { outcome, operation: null, record: known, culprit: null })

  it("are successful only if this server knows them to be", () => {
    expect(chain("created").revision).to.equal(7n)
    expect(acceptedRow(authorityWrite, { outcome: "updated", row }, parent)).to.equal(row)
    assureAccepted(
      { recordId: "record" },
      { outcome: "revoked", head: 1n, rows: [], total: 0n, waiting: null },
    )
    for (const unknown of [UNKNOWN, "toString" as never]) {
      expectInternal(() => chain(unknown))
      expectInternal(() => acceptedRow(authorityWrite, { outcome: unknown, row }, parent))
      expectInternal(() =>
        assureAccepted(
          { recordId: "record" },
          { outcome: unknown, head: 1n, rows: [], total: 0n, waiting: null },
        ),
      )
    }
  })

  it("are not successful if nothing is stored", () => {
    expectInternal(() =>
      acceptedRecord(write, { outcome: "created", operation: null, record: undefined, culprit: null }),
    )
    expectInternal(() => acceptedRow(authorityWrite, { outcome: "registered", row: undefined }, parent))
  })

  it("never report stale to a caller: a chain whose dependencies changed is validated again", () => {
    expectInternal(() => chain("stale"))
  })

  it("report a reused request_id even if the chain is gone", () => {
    const reused = () =>
      acceptedRecord(write, { outcome: "reused", operation: null, record: undefined, culprit: null })
    expect(reused).to.throw(RegistryError).with.property("reason", ErrorReason.REQUEST_ID_REUSED)
  })
})

/** What is no RegistryError leaves the server as INTERNAL, with a bare text. */
function expectInternal(work: () => unknown) {
  expect(work).to.throw(Error).and.not.instanceOf(RegistryError)
}
