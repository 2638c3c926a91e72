import { configureTextEncoding } from "@bufbuild/protobuf/wire"

const encoder = new TextEncoder()
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder("utf-8", { ignoreBOM: true })

/**
 * Makes protobuf-es read each string as it was sent. By itself it drops a U+FEFF at the beginning: what was stored would
 * not be what was signed, and one agent's id would be read as another's. The setting is the process's, not a message's.
 */
export function keepByteOrderMarks(): void {
  configureTextEncoding({
    encodeUtf8: (text) => encoder.encode(text),
    decodeUtf8: (bytes, isStrict) => (isStrict ? strict : lenient).decode(bytes),
    checkUtf8: (text) => text.isWellFormed(),
  })
}
