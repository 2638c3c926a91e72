import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Numbered texts of bytes in a temporary file that only this user can read. Without any there is no file. */
export interface Spool {
  readonly count: number
  add(number: number, bytes: Uint8Array): void
  /** All in the order in which they were added. */
  all(): Generator<{ number: number; bytes: Buffer }>
  /** Removes the file. */
  remove(): void
}

/** Makes an empty spool. */
export function openSpool(): Spool {
  let file: { folder: string; handle: number } | undefined
  let count = 0
  const read = (length: number, position: number) => {
    const bytes = Buffer.alloc(length)
    for (let done = 0; done < length; ) {
      const got = readSync(file?.handle ?? -1, bytes, done, length - done, position + done)
      if (got === 0) throw new Error("the temporary file of an import was cut short")
      done += got
    }
    return bytes
  }
  return {
    get count() {
      return count
    },
    add(number, bytes) {
      file ??= openFile()
      const head = Buffer.alloc(HEAD_BYTES)
      head.writeDoubleBE(number, 0)
      head.writeUInt32BE(bytes.length, 8)
      writeSync(file.handle, Buffer.concat([head, bytes]))
      count++
    },
    *all() {
      for (let place = 0, position = 0; place < count; place++) {
        const head = read(HEAD_BYTES, position)
        const length = head.readUInt32BE(8)
        yield { number: head.readDoubleBE(0), bytes: read(length, position + HEAD_BYTES) }
        position += HEAD_BYTES + length
      }
    },
    remove() {
      if (!file) return
      closeSync(file.handle)
      rmSync(file.folder, { recursive: true, force: true })
      file = undefined
    },
  }
}

/** A number and a length. */
const HEAD_BYTES = 12

/** The folder is new, and its mode 0700. */
function openFile() {
  const folder = mkdtempSync(join(tmpdir(), "trust-registry-"))
  return { folder, handle: openSync(join(folder, "waiting"), "wx+", 0o600) }
}
