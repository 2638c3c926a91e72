import { equals } from "@bufbuild/protobuf"
import { type Recognition, RecognitionSchema } from "@trust-registry/proto"

/** What an authority recognises, with one recognition more. An equal one is not there twice. */
export function withRecognition(recognised: readonly Recognition[], added: Recognition): Recognition[] {
  return [...recognised.filter((one) => !equals(RecognitionSchema, one, added)), added]
}

/**
 * What an authority recognises, without another authority for these names or patterns, as they were written; without any of it for no
 * names.
 */
export function withoutRecognition(
  recognised: readonly Recognition[],
  authorityId: string,
  names: readonly string[],
): Recognition[] {
  const dropped = new Set(names)
  return recognised.flatMap((one) => {
    if (one.authorityId !== authorityId) return [one]
    const capabilities = one.capabilities.filter((name) => dropped.size > 0 && !dropped.has(name))
    return capabilities.length === 0 ? [] : [{ ...one, capabilities }]
  })
}
