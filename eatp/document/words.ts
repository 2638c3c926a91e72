import type { DescEnum } from "@bufbuild/protobuf"
import {
  AuthorityTypeSchema,
  CapabilityTypeSchema,
  ConfidentialityLevelSchema,
  ConstraintDimensionSchema,
  ConstraintTypeSchema,
} from "@trust-registry/proto"

/** EATP's word for an enum number, for example `data_access`; undefined for UNSPECIFIED and unknown numbers. */
export function wordOf(desc: DescEnum, number: number): string | undefined {
  const value = desc.value[number]
  return value === undefined || number === 0 ? undefined : wordOfName(desc, value.name)
}

/** The enum number of one of EATP's words, which are lowercase; undefined for any other text. */
export function numberOf(desc: DescEnum, word: string): number | undefined {
  return desc.values.find((value) => value.number !== 0 && wordOfName(desc, value.name) === word)?.number
}

/** All of EATP's words for an enum, in the order of their numbers. */
export function wordsOf(desc: DescEnum): readonly string[] {
  return desc.values.filter((value) => value.number !== 0).map((value) => wordOfName(desc, value.name))
}

/** EATP's authority types. */
export const authorityWords = wordsOf(AuthorityTypeSchema)
/** EATP's capability types. */
export const capabilityWords = wordsOf(CapabilityTypeSchema)
/** EATP's constraint types. */
export const constraintWords = wordsOf(ConstraintTypeSchema)
/** EATP's confidentiality levels, from public to most restricted. */
export const confidentialityWords = wordsOf(ConfidentialityLevelSchema)
/** EATP's constraint dimensions. */
export const dimensionWords = wordsOf(ConstraintDimensionSchema)

// AUTHORITY_TYPE_HUMAN is EATP's "human".
function wordOfName(desc: DescEnum, name: string): string {
  return name.slice(desc.sharedPrefix?.length ?? 0).toLowerCase()
}
