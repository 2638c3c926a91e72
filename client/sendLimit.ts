import { status } from "@grpc/grpc-js"
import { TrustStoreError } from "./errors.js"
import { MAX_MESSAGE_BYTES } from "./options.js"

/** The largest message that the registry accepts, as far as it is known. */
export interface SendLimit {
  /** In bytes: the default until it is learned. */
  readonly bytes: number
  /** Asks the registry, once; resolves to the limit. Never rejects: without an answer it stays what it was. */
  learn(): Promise<number>
}

/** A limit that is asked for when it first matters. */
export function sendLimit(ask: () => Promise<{ maxMessageBytes: bigint }>): SendLimit {
  let bytes = MAX_MESSAGE_BYTES
  let learning: Promise<void> | undefined
  const learned = async () => {
    try {
      bytes = Number((await ask()).maxMessageBytes) || MAX_MESSAGE_BYTES
    } catch (error) {
      // An older registry does not say; one that is away is asked again.
      if (!(error instanceof TrustStoreError && error.code === status.UNIMPLEMENTED)) learning = undefined
    }
  }
  return {
    get bytes() {
      return bytes
    },
    async learn() {
      learning ??= learned()
      await learning
      return bytes
    },
  }
}

/** A message of more bytes than the registry accepts. */
export class MessageTooLargeError extends Error {
  override readonly name = "MessageTooLargeError"

  /** @param limit in bytes */
  constructor(limit: number) {
    super(`the request is larger than ${limit} bytes, the most that the registry accepts`)
  }
}

type UnaryCall<Options> = (request: object, options?: Options) => Promise<unknown>

/** The same call; one that is over the limit is made again where the registry turns out to accept more. */
export function withinLimit<Options>(call: UnaryCall<Options>, limit: SendLimit): UnaryCall<Options> {
  return async (request, options) => {
    const known = limit.bytes
    try {
      return await call(request, options)
    } catch (error) {
      const isOver = error instanceof TrustStoreError && error.cause instanceof MessageTooLargeError
      if (!isOver || (await limit.learn()) <= known) throw error
      return await call(request, options)
    }
  }
}
