import { configureTextEncoding } from "@bufbuild/protobuf/wire"

const encoder = new TextEncoder()
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder("utf-8", { ignoreBOM: true })

/**
 * Makes protobuf-es read each string as it was sent. By default it drops a leading U+FEFF: a stored chain would differ from
 * what was signed, and one agent's id would read as another's. The setting holds for the whole process.
 */
export function keepByteOrderMarks(): void {
  configureTextEncoding({
    encodeUtf8: (text) => encoder.encode(text),
    decodeUtf8: (bytes, isStrict) => (isStrict ? strict : lenient).decode(bytes),
    checkUtf8: (text) => text.isWellFormed(),
  })
}
