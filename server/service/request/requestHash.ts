import { createHash } from "node:crypto"
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf"

/**
 * Identifies the content of a request: lowercase hex SHA-256 over its type and all its fields except request_id and
 * expected_revision.
 */
export function requestHashOf<Desc extends DescMessage>(
  desc: Desc,
  request: MessageShape<Desc> & { requestId: string },
): string {
  const asked = { ...request, requestId: "", expectedRevision: undefined }
  return createHash("sha256").update(desc.typeName).update("\0").update(toBinary(desc, asked)).digest("hex")
}
