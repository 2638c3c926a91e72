import type { Figure, Side } from "../figure.js"
import { loop } from "../load/loop.js"
import { inTurn } from "../rounds.js"

/** Each of ours, and what there would be without it. */
const PAIRS = [
  ["decodeMessage", "fromBinary"],
  ["encodeMessage", "toBinary"],
  ["encodeJsonField", "fromJson, encodeMessage"],
  ["sortedJson", "toJson, sorted"],
] as const

/** What the codec's own files gain over protobuf-es. Where it is next to nothing, they may go: see proto/codec/README.md. */
export const codec: Figure = {
  name: "codec",
  title: "Encoding and decoding a chain, ours and protobuf-es",
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
