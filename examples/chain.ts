import {
  AuthorityType,
  CapabilityType,
  ConstraintType,
  create,
  type TrustLineageChain,
  TrustLineageChainSchema,
} from "@trust-registry/client"

/** The options of an example chain. */
export interface ExampleChain {
  /** The authority that establishes the agent. Default: `org-acme`. */
  authorityId?: string
  /** Capabilities of the agent, by name. Default: `read_data`. */
  capabilities?: string[]
}

/**
 * Returns a chain for an agent, valid for a year from now. Its signatures are placeholders: the registry keeps them
 * unchanged and reports that it could not check them (`signature_status` UNVERIFIED).
 */
export function exampleChain(
  agentId: string,
  { authorityId = "org-acme", capabilities = ["read_data"] }: ExampleChain = {},
): TrustLineageChain {
  // A time is text, because a signature covers it. A time that ends something needs an offset, such as Z.
  const now = new Date().toISOString()
  const expiresAt = new Date(Date.now() + YEAR_MS).toISOString()
  return create(TrustLineageChainSchema, {
    genesis: {
      id: `gen-${agentId}`,
      agentId,
      authorityId,
      authorityType: AuthorityType.ORGANIZATION,
      createdAt: now,
      expiresAt,
      // Free-form values are JSON text and stay exact: 1.0 stays 1.0, and keys keep their order.
      metadataJson: '{"department":"support","budget":1.0}',
      signature: SIGNATURE,
    },
    capabilities: capabilities.map((capability) => ({
      id: `cap-${capability}`,
      capability,
      capabilityType: CapabilityType.ACTION,
      attesterId: authorityId,
      attestedAt: now,
      expiresAt,
      signature: SIGNATURE,
    })),
    constraintEnvelope: {
      id: `env-${agentId}`,
      agentId,
      activeConstraints: [
        {
          id: "con-calls",
          constraintType: ConstraintType.OPERATIONAL,
          valueJson: '{"max_api_calls": 1000}',
          source: "cap-read_data",
        },
      ],
    },
  })
}

const YEAR_MS = 365 * 24 * 60 * 60 * 1000
const SIGNATURE = Buffer.alloc(64).toString("base64")
