import { timestampMs } from "@bufbuild/protobuf/wkt"
import { visibleName } from "@trust-registry/eatp"
import type { Authority } from "@trust-registry/proto"
import { keyIdOf } from "../authorities/authorityDocument.js"
import { proofText, storedAuthorityJson } from "../authorities/authorityOutput.js"
import { command } from "../command.js"
import { errorReportOf, reportError } from "../errorReport.js"
import { COUNT } from "../flags/bounds.js"
import { momentOf } from "../flags/filterFlags.js"
import { countOf } from "../flags/flags.js"
import { SIGN_FLAGS, signingOf } from "../flags/signFlags.js"
import { AUTHORITY_REVISION_FLAG, expectedRevision } from "../flags/writeFlags.js"
import { EXIT, exitCodeOf } from "../output/exit.js"
import { momentText } from "../output/records.js"

/** Adds a key to an authority and ends the windows of the older ones. */
export const rotateKey = command({
  args: "AUTHORITY PUBLIC_KEY",
  arity: [2, 2],
  summary: "add a key to an authority and end the windows of the older ones",
  details:
    "PUBLIC_KEY is base64 of the 32 bytes of an Ed25519 public key. What an older key signed within its window still " +
    "verifies; what is dated later does not. With --at in the past, what the older keys signed since then no longer " +
    "verifies, and no command undoes that. With --key for a key that is in force and for the new one the authority signs the change.",
  examples: [
    "authority rotate-key org-acme 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "authority rotate-key org-acme 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= --key old.key --key new.key",
    "authority rotate-key org-acme --overlap-seconds 86400 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
  ],
  flags: {
    "key-id": {
      type: "string",
      value: "ID",
      help: "the id of the key (default: the first 16 hexadecimal digits of the SHA-256 of its bytes)",
    },
    at: { type: "string", value: "TIME", help: "when its window starts (ISO 8601; default: now)" },
    "overlap-seconds": {
      type: "string",
      value: "N",
      bounds: COUNT,
      help: "how long the older keys stay valid after that (default: 0)",
    },
    ...AUTHORITY_REVISION_FLAG,
    ...SIGN_FLAGS,
  },
  async run(invocation) {
    const { values, json, out } = invocation
    const [authorityId = "", publicKey = ""] = invocation.args
    const keyId = values["key-id"] ?? keyIdOf(publicKey)
    const effectiveAt = momentOf(values, "at")
    const overlap = countOf(values, "overlap-seconds")
    const request = {
      authorityId,
      keyId,
      publicKey,
      ...(effectiveAt ? { effectiveAt } : {}),
      ...(overlap ? { overlap: { seconds: BigInt(overlap), nanos: 0 } } : {}),
      ...expectedRevision(values),
    }
    try {
      const signing = await signingOf(values)
      const { authority, record } = await invocation.registry().rotateAuthorityKey(request, signing)
      if (json) await out.json(storedAuthorityJson(authority, record))
      else {
        const names = `${visibleName(authorityId)} to key ${visibleName(keyId)}`
        const place = `at revision ${record?.revision}, ${proofText(record)}`
        await out.line(`rotated ${names} ${place}${endOfOlder(authority)}`)
      }
      return EXIT.done
    } catch (error) {
      await reportError(invocation, errorReportOf(error, { authorityId }))
      return exitCodeOf(error)
    }
  },
})

/** Returns a note on when the older keys end. The new key is the last one. */
function endOfOlder(authority: Authority | undefined) {
  const ends = (authority?.keys ?? []).slice(0, -1).flatMap(({ notAfter }) => notAfter ?? [])
  if (ends.length === 0) return ""
  const last = ends.reduce((a, b) => (timestampMs(b) > timestampMs(a) ? b : a))
  return `; what older keys signed after ${momentText(last)} does not verify`
}
