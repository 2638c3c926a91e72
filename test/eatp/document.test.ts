import { create } from "@bufbuild/protobuf"
import {
  chainFromDocument,
  chainHash,
  contentHash,
  contentHashOfJson,
  contentJson,
  DocumentError,
  documentFromChain,
  type JsonObject,
  type JsonSyntaxError,
  jsonText,
  linkedChainHash,
  parseJson,
  readChainDict,
} from "@trust-registry/eatp"
import { AuthorityType, ConstraintDimension, TrustLineageChainSchema } from "@trust-registry/proto"
import { expect } from "chai"
import { registryChains } from "../support/registryChains.js"

describe("eatp: documents and messages", () => {
  const registry = registryChains()

  it(`returns all ${registry.length} chains of a registry as they were written`, () => {
    for (const { document } of registry) {
      const written = documentFromChain(chainFromDocument(document).chain)
      expect(jsonText(parseJson(written))).to.equal(jsonText(parseJson(document)))
      expect(written).not.to.match(/[\r\n]/)
    }
  })

  it("computes each chain's state hash", () => {
    for (const { document, hash } of registry)
      expect(chainHash(chainFromDocument(document).chain)).to.equal(hash)
  })

  it("preserves chains through protobuf's JSON", () => {
    for (const { document } of registry) {
      const { chain } = chainFromDocument(document)
      expect(contentHashOfJson(JSON.parse(JSON.stringify(contentJson(chain))))).to.equal(contentHash(chain))
    }
  })

  it("reads to_dict's format too, and passes on its chain_hash", () => {
    for (const { document, hash } of registry) {
      const { dict } = readChainDict(parseJson(document))
      const read = chainFromDocument(jsonText(dict))
      expect(read.chainHash).to.equal(hash)
      expect(chainHash(read.chain)).to.equal(hash)
    }
  })

  it("keeps the source text of free-form values, and drops their white space only when writing", () => {
    const { chain } = chainFromDocument(genesisWith('"metadata": { "10" : 1.0 , "2": [ ] }'))
    expect(chain.genesis?.metadataJson).to.equal('{ "10" : 1.0 , "2": [ ] }')
    expect(documentFromChain(chain)).to.contain('"metadata":{"10":1.0,"2":[]}')
  })

  it("distinguishes null from missing where both are signed", () => {
    const metadata = (member: string) => chainFromDocument(genesisWith(member)).chain.genesis?.metadataJson
    expect(metadata('"metadata":null')).to.equal("null")
    expect(metadata('"metadata":{}')).to.equal("{}")
    expect(metadata('"expires_at":null')).to.equal(undefined)
  })

  it("uses the reference implementation's defaults for missing keys", () => {
    const text = documentFromChain(chainFromDocument(genesisWith('"expires_at":null')).chain)
    expect(text).to.equal(
      '{"genesis":{"id":"g","agent_id":"a","authority_id":"o","authority_type":"human","created_at":"2026-01-01",' +
        '"signature":"","signature_algorithm":"Ed25519","expires_at":null,"metadata":{}},"capabilities":[],"delegations":[],' +
        '"constraint_envelope":null,"audit_anchors":[],"chain_state_signature":null}',
    )
  })

  it("writes all five dimensions if a message names none, and refuses an empty list of them", () => {
    const chain = create(TrustLineageChainSchema, {
      genesis: { authorityType: AuthorityType.HUMAN },
      delegations: [{}, { dimensionScope: [ConstraintDimension.TEMPORAL, ConstraintDimension.FINANCIAL] }],
    })
    const written = parseJson(documentFromChain(chain)) as JsonObject
    const [all, narrowed] = written.get("delegations") as JsonObject[]
    expect(all?.get("dimension_scope")).to.deep.equal([
      "communication",
      "data_access",
      "financial",
      "operational",
      "temporal",
    ])
    expect(narrowed?.get("dimension_scope")).to.deep.equal(["financial", "temporal"])
    narrowed?.set("dimension_scope", [])
    expect(refusal(written)).to.include({ path: "delegations[1].dimension_scope" })
  })

  const refused: [what: string, document: string, path: string][] = [
    ["an array", "[]", ""],
    ["a document without genesis", "{}", "genesis"],
    ["a genesis that is null", '{"genesis":null}', "genesis"],
    ["a record that is text", '{"genesis":"x"}', "genesis"],
    ["a missing field", '{"genesis":{"id":"g"}}', "genesis.agent_id"],
    ["an id that is a number", genesisWith('"signature":1'), "genesis.signature"],
    ["an unknown enum value", genesisWith("").replace('"human"', '"Human"'), "genesis.authority_type"],
    ["an unknown key", genesisWith('"color":"red"'), "genesis.color"],
    ["an unknown key at the top", `${genesisWith("").slice(0, -1)},"extra":1}`, "extra"],
    ["a chain_hash below the top", genesisWith('"chain_hash":"00"'), "genesis.chain_hash"],
    ["a chain_hash that is not text", `${genesisWith("").slice(0, -1)},"chain_hash":1}`, "chain_hash"],
    ["a list that is null", `${genesisWith("").slice(0, -1)},"capabilities":null}`, "capabilities"],
    ["an algorithm that is null", genesisWith('"signature_algorithm":null'), "genesis.signature_algorithm"],
    ["text among objects", `${genesisWith("").slice(0, -1)},"delegations":[1]}`, "delegations[0]"],
    [
      "an integer written as a float",
      envelopeWith('{"id":"c","constraint_type":"temporal","value":1,"source":"s","priority":1.0}'),
      "constraint_envelope.active_constraints[0].priority",
    ],
    [
      "an integer beyond 64 bits",
      envelopeWith(
        '{"id":"c","constraint_type":"temporal","value":1,"source":"s","priority":9223372036854775808}',
      ),
      "constraint_envelope.active_constraints[0].priority",
    ],
    [
      "a constraint without a value",
      envelopeWith('{"id":"c","constraint_type":"temporal","source":"s"}'),
      "constraint_envelope.active_constraints[0].value",
    ],
  ]
  for (const [what, document, path] of refused) {
    it(`refuses ${what}, naming ${path === "" ? "the document" : path}`, () => {
      expect(refusal(document)).to.include({ path })
    })
  }

  it("lists the allowed words, and names an unknown key if a required one is missing", () => {
    expect(refusal(genesisWith("").replace('"human"', '"orgnization"')).message).to.equal(
      'genesis.authority_type: "orgnization" is none of organization, system, human',
    )
    expect(refusal(genesisWith("").replace('"agent_id"', '"agentid"')).message).to.equal(
      'genesis.agent_id: is missing, and "agentid" is not a key that EATP knows',
    )
  })

  it("refuses text that is not JSON, repeated keys and deep nesting, with the position", () => {
    const reasons = ["{", '{"genesis":{"id":1,"id":1}}', `{"a":${"[".repeat(2000)}`].map((text) => {
      try {
        chainFromDocument(text)
        return undefined
      } catch (error) {
        return (error as JsonSyntaxError).reason
      }
    })
    expect(reasons).to.deep.equal(["syntax", "repeated_key", "depth"])
  })

  it("accepts the limits of int64, and null values", () => {
    const constraint = (priority: string) =>
      `{"id":"c","constraint_type":"temporal","value":null,"source":"s","priority":${priority}}`
    for (const priority of ["9223372036854775807", "-9223372036854775808", "-0"]) {
      const { chain } = chainFromDocument(envelopeWith(constraint(priority)))
      expect(chain.constraintEnvelope?.activeConstraints[0]).to.include({
        priority: BigInt(priority),
        valueJson: "null",
      })
    }
  })

  it("writes no document for an empty chain", () => {
    const broken = create(TrustLineageChainSchema, { genesis: { metadataJson: "{" } })
    expect(() => documentFromChain(broken)).to.throw(DocumentError, "authority_type")
    const chain = create(TrustLineageChainSchema, {
      genesis: { authorityType: AuthorityType.SYSTEM, metadataJson: "{" },
    })
    expect(() => documentFromChain(chain)).to.throw(DocumentError, "genesis.metadata")
  })
})

describe("eatp: hashes of a message", () => {
  it("computes an empty constraint hash, as the reference implementation does", () => {
    const constraint = '{"id":"c","constraint_type":"temporal","value":{"b":1.0},"source":"s"}'
    const { chain } = chainFromDocument(envelopeWith(constraint))
    const { state } = readChainDict(parseJson(envelopeWith(constraint)))
    expect(chain.constraintEnvelope?.constraintHash).to.equal("")
    expect(state.constraintHash).to.match(/^[0-9a-f]{64}$/)
    expect(chainHash(chain)).to.equal(
      (readChainDict(parseJson(envelopeWith(constraint))).dict as JsonObject).get("chain_hash"),
    )
  })

  it("includes any previous hash, even an empty one, and differs from the plain hash", () => {
    const { chain } = chainFromDocument(genesisWith(""))
    const hashes = [chainHash(chain), linkedChainHash(chain, ""), linkedChainHash(chain, "a")]
    expect(new Set(hashes).size).to.equal(3)
  })

  it("changes the content hash with any leaf of a chain", () => {
    const { document } = registryChains().reduce((a, b) => (a.document.length > b.document.length ? a : b))
    const json = contentJson(chainFromDocument(document).chain)
    const original = contentHashOfJson(json)
    let leaves = 0
    for (const change of changedLeaves(json)) {
      change(() => expect(contentHashOfJson(json)).not.to.equal(original))
      leaves++
    }
    expect(leaves).to.be.greaterThan(50)
    expect(contentHashOfJson(json)).to.equal(original)
  })

  it("does not depend on the order in which the store returns keys", () => {
    expect(contentHashOfJson({ b: ["x"], a: { d: "1", c: true } })).to.equal(
      contentHashOfJson({ a: { c: true, d: "1" }, b: ["x"] }),
    )
    expect(contentHashOfJson({ "\u{1d11e}": "1", "\ue000": "2" })).to.equal(
      contentHashOfJson({ "\ue000": "2", "\u{1d11e}": "1" }),
    )
  })
})

function genesisWith(member: string): string {
  const fields =
    '"id":"g","agent_id":"a","authority_id":"o","authority_type":"human","created_at":"2026-01-01"'
  return `{"genesis":{${fields}${member === "" ? "" : `,${member}`}}}`
}

function envelopeWith(constraint: string): string {
  const envelope = `{"id":"e","agent_id":"a","active_constraints":[${constraint}]}`
  return `${genesisWith("").slice(0, -1)},"constraint_envelope":${envelope}}`
}

function refusal(document: string | JsonObject): DocumentError {
  try {
    chainFromDocument(document)
  } catch (error) {
    expect(error).to.be.instanceOf(DocumentError)
    return error as DocumentError
  }
  throw new Error("The document was read")
}

type Tree = { [key: string]: unknown }

// Each leaf in turn: changed, looked at, and put back.
function* changedLeaves(value: unknown): Generator<(look: () => void) => void> {
  if (typeof value !== "object" || value === null) return
  const tree = value as Tree
  for (const key of Object.keys(tree)) {
    const leaf = tree[key]
    if (typeof leaf === "object" && leaf !== null) yield* changedLeaves(leaf)
    else {
      yield (look) => {
        tree[key] = typeof leaf === "string" ? `${leaf}x` : !leaf
        look()
        tree[key] = leaf
      }
    }
  }
}
