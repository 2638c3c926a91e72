import {
  AuthorityService,
  RevocationService,
  ServerInfoService,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"

/** The services of a registry whose RPCs a connection has as functions; no two have an RPC of one name. */
export const SERVICES = [
  TrustStoreService,
  AuthorityService,
  TrustVerificationService,
  RevocationService,
  ServerInfoService,
] as const
