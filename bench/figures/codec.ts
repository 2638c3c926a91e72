import type { Figure, Side } from "../figure.js"
import { loop } from "../load/loop.js"
import { inTurn } from "../rounds.js"

/** Each function of our codec, and its replacement in protobuf-es. */
const PAIRS = [
  ["decodeMessage", "fromBinary"],
  ["encodeMessage", "toBinary"],
  ["encodeJsonField", "fromJson, encodeMessage"],
  ["sortedJson", "toJson, sorted"],
] as const

/** What our codec gains over protobuf-es. A file that gains next to nothing can be removed: see proto/codec/README.md. */
export const codec: Figure = {
  name: "codec",
  title: "Encoding and decoding a chain, our codec and protobuf-es",
  ratios: PAIRS.map(([of, to]) => ({ of, to, least: 1.15 })),
  async run(lab) {
    const side = (name: string): Side => ({
      name,
      unit: "chains/s",
      measure: () => loop("load/codec.ts", [lab.root, String(lab.times.seconds), name], "server"),
    })
    return await inTurn(
      lab,
      PAIRS.flatMap(([of, to]) => [side(of), side(to)]),
    )
  },
}
