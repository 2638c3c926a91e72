import { create } from "@bufbuild/protobuf"
import {
  type CapabilityAttestation,
  CapabilityAttestationSchema,
  type CapabilityType,
} from "@trust-registry/proto"
import { signText } from "../signing/ed25519.js"
import { CAPABILITY_SUBJECT_BOUND, capabilityPayload } from "../signing/recordPayload.js"
import { checkExpiry, distinct, type Maker, nowText } from "./maker.js"

/** A capability to attest. */
export type CapabilityGrant = {
  capability: string
  capabilityType: CapabilityType
  constraints?: readonly string[] | undefined
  /** Free-form JSON text that narrows the capability. */
  scopeJson?: string | undefined
  /** With an offset from UTC; unset: never. */
  expiresAt?: string | undefined
}

/** Attests a capability to its holder; the signature verifies only in the holder's chain. */
export async function attestCapability(
  grant: CapabilityGrant,
  attesterId: string,
  holderId: string,
  maker: Maker,
): Promise<CapabilityAttestation> {
  checkExpiry(grant.expiresAt, maker)
  const capability = create(CapabilityAttestationSchema, {
    id: maker.newId("cap"),
    capability: grant.capability,
    capabilityType: grant.capabilityType,
    constraints: distinct(grant.constraints ?? []),
    attesterId,
    attestedAt: nowText(maker),
    expiresAt: grant.expiresAt,
    scopeJson: grant.scopeJson,
    signingPayloadVersion: CAPABILITY_SUBJECT_BOUND,
  })
  capability.signature = await signText(maker.signer, capabilityPayload(capability, holderId))
  return capability
}
