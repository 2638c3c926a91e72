/** A document is not a chain in EATP's JSON, or a message cannot be written as one; says where. */
export class DocumentError extends Error {
  override readonly name = "DocumentError"
  /** Path in EATP's names, for example `genesis.agent_id` or `capabilities[3].scope`; empty for the whole document. */
  readonly path: string
  /** What is wrong, without the path. */
  readonly reason: string

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(path === "" ? reason : `${path}: ${reason}`, options)
    this.path = path
    this.reason = reason
  }
}
