import { keyIdOf } from "./authorityDocument.js"
import { bothAsJson } from "./authorityTold.js"
import { command } from "./command.js"
import { complain, complaintOf } from "./complaint.js"
import { EXIT, exitCodeOf } from "./exit.js"
import { momentOf } from "./filterFlags.js"
import { countOf } from "./flags.js"
import { visible } from "./visible.js"
import { AUTHORITY_REVISION_FLAG, expectedRevision } from "./writeFlags.js"

/** Gives an authority a new key. */
export const rotateKey = command({
  args: "AUTHORITY PUBLIC_KEY",
  arity: [2, 2],
  summary: "give an authority a new key and end the windows of the older ones",
  details:
    "The key is base64 of the 32 bytes of an Ed25519 public key. What was signed with an older key while its window was " +
    "open still verifies.",
  examples: [
    "authority rotate-key org-acme 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "authority rotate-key org-acme --overlap-seconds 86400 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
  ],
  flags: {
    "key-id": {
      type: "string",
      value: "ID",
      help: "id of the key (default: the first 16 hexadecimal digits of the SHA-256 of its bytes)",
    },
    at: { type: "string", value: "TIME", help: "when its window begins (ISO 8601; default: now)" },
    "overlap-seconds": {
      type: "string",
      value: "N",
      help: "how long the older keys go on beyond that (default: not at all)",
    },
    ...AUTHORITY_REVISION_FLAG,
  },
  async run(invocation) {
    const { values, json, out } = invocation
    const [authorityId = "", publicKey = ""] = invocation.args
    const keyId = values["key-id"] ?? keyIdOf(publicKey)
    const at = momentOf(values, "at")
    const overlap = countOf(values, "overlap-seconds")
    const request = {
      authorityId,
      keyId,
      publicKey,
      ...(at ? { at } : {}),
      ...(overlap ? { overlap: { seconds: BigInt(overlap), nanos: 0 } } : {}),
      ...expectedRevision(values),
    }
    try {
      const { authority, record } = await invocation.registry().rotateAuthorityKey(request)
      if (json) await out.json(bothAsJson(authority, record))
      else
        await out.line(
          `rotated ${visible(authorityId)} to key ${visible(keyId)} at revision ${record?.revision}`,
        )
      return EXIT.done
    } catch (error) {
      await complain(invocation, complaintOf(error, { authorityId }))
      return exitCodeOf(error)
    }
  },
})
