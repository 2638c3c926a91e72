import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"

/** The error for a stored chain that does not parse. */
export function corrupt(agentId: string, cause: unknown): RegistryError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new RegistryError(ErrorReason.TRUST_CHAIN_CORRUPT, `the stored chain does not parse: ${why}`, {
    agentId,
    cause,
  })
}
