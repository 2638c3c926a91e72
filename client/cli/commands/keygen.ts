import { generateKeyPair } from "@trust-registry/eatp"
import { command } from "../command.js"
import { keyPairText, writeKeyFile } from "../documents/keyFile.js"
import { EXIT } from "../output/exit.js"

/** Makes a key pair. */
export const keygen = command({
  args: "[FILE]",
  arity: [0, 1],
  summary: "make a key pair: the file for --key, its public key on standard output; offline",
  details:
    "Writes a new Ed25519 key pair into FILE, which its owner alone may read (mode 600), and prints the public key. A file " +
    "that is there is never overwritten. For `-` or no FILE the key pair itself is printed, for a program that keeps secrets.",
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
