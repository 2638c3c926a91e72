import { generateKeyPair } from "@trust-registry/eatp"
import { command } from "../command.js"
import { keyPairText, writeKeyFile } from "../documents/keyFile.js"
import { EXIT } from "../output/exit.js"

/** Creates a key pair. */
export const keygen = command({
  args: "[FILE]",
  arity: [0, 1],
  summary: "create a key pair: a file for --key, and the public key on standard output; offline",
  details:
    "Writes a new Ed25519 key pair to FILE, which only its owner can read (mode 600), and prints the public key. Never " +
    "overwrites an existing file. Without FILE or with `-` it prints the key pair itself, for a program that keeps secrets.",
  examples: ["keygen org-acme.key", "keygen | vault-put org-acme"],
  flags: {},
  offline: true,
  async run({ args: [file = "-"], json, out }) {
    const pair = generateKeyPair()
    if (file === "-") {
      await out.line(keyPairText(pair))
      return EXIT.done
    }
    await writeKeyFile(file, pair)
    await out.line(json ? JSON.stringify({ file, public_key: pair.publicKey }) : pair.publicKey)
    return EXIT.done
  },
})
