import type { SigningOptions } from "../../authorityWord.js"
import type { Flag, Values } from "../command.js"
import { signerOf } from "../documents/keyFile.js"

/** Flag of every command that changes an authority. */
export const SIGN_FLAG = {
  key: {
    type: "string",
    multiple: true,
    value: "FILE",
    help: "a key file of the authority, to sign the change; once for each key that has to sign (default: unsigned)",
  },
} as const satisfies Record<string, Flag>

/** Flags of the commands that change an authority which is registered. */
export const SIGN_FLAGS = {
  ...SIGN_FLAG,
  adopt: {
    type: "boolean",
    help: "sign what the registry has, although these keys did not sign it before: look at all its keys first",
  },
} as const satisfies Record<string, Flag>

/** Returns who signs. */
export async function signingOf(values: Values<typeof SIGN_FLAGS>): Promise<SigningOptions> {
  const signers = await Promise.all((values.key ?? []).map(signerOf))
  return { signers, ...(values.adopt ? { adopt: true } : {}) }
}
