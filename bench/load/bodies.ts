import { writeFile } from "node:fs/promises"

/** Bytes before each message: a compression flag and the length. */
const PREFIX = 5

/** Writes calls for the load generators: each message with gRPC's five-byte prefix. Returns the path. */
export async function writeBodies(path: string, messages: Iterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for (const message of messages) {
    const prefix = Buffer.alloc(PREFIX)
    prefix.writeUInt32BE(message.length, 1)
    parts.push(prefix, message)
  }
  await writeFile(path, Buffer.concat(parts))
  return path
}

/** The calls of such a file, with their prefixes. */
export function readBodies(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + PREFIX + bytes.readUInt32BE(at + 1)
    found.push(bytes.subarray(at, end))
    at = end
  }
  return found
}
