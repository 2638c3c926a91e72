/** For messages with --json: the names of the contract, and every field. */
export const JSON_OPTIONS = { useProtoFieldName: true, alwaysEmitImplicit: true }
