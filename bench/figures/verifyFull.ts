import type { Figure } from "../figure.js"
import { loop } from "../load/loop.js"
import { inTurn } from "../rounds.js"

/** The cost of a FULL verification, compared with the signature checks that it requires. */
export const verifyFull: Figure = {
  name: "verify-full",
  title: "VerifyTrust at FULL",
  ratios: [{ of: "FULL verification", to: "bare Ed25519 checks", least: 0.5 }],
  async run(lab) {
    const seconds = String(lab.times.seconds)
    return await inTurn(lab, [
      {
        name: "FULL verification",
        unit: "chains/s",
        measure: () => loop("load/fullVerification.ts", [lab.root, seconds], "server"),
      },
      {
        name: "bare Ed25519 checks",
        unit: "chains/s",
        measure: () => loop("peers/ed25519.ts", [seconds], "server"),
      },
    ])
  },
}
