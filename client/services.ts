import {
  AuthorityService,
  RevocationService,
  ServerInfoService,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"

/** The services whose RPCs a connection offers as functions. RPC names are unique across them. */
export const SERVICES = [
  TrustStoreService,
  AuthorityService,
  TrustVerificationService,
  RevocationService,
  ServerInfoService,
] as const
