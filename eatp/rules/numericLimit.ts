import { type Json, JsonNumber } from "../json/json.js"
import { pythonStr } from "../python/pythonStr.js"

/**
 * Why a limit loosens another (EATP DELEGATE, validate_inheritance): it is larger, or one of the two is not finite.
 * Undefined if it does not, if one is missing, or if they are not numbers. Text that Python's float() reads is a number; of
 * what it reads beyond plain ASCII (full-width digits, control characters around digits) a text that differs is refused.
 */
export function numericLoosening(parent: Json, child: Json): string | undefined {
  if (parent === null || child === null) return undefined
  if (parent !== child && (isUnplain(parent) || isUnplain(child)))
    return `Not plainly a number: parent=${pythonStr(parent)}, child=${pythonStr(child)}`
  const [limit, own] = [numberOf(parent), numberOf(child)]
  if (limit === undefined || own === undefined) return undefined
  if (!Number.isFinite(limit) || !Number.isFinite(own)) {
    return `Non-finite value in constraint: parent=${pythonStr(parent)}, child=${pythonStr(child)}`
  }
  return own > limit ? `Child ${own} exceeds parent ${limit}` : undefined
}

// Without its dot optional beside two runs of digits, which would try every split of a long one.
const decimal = /^[+-]?(\d+(_\d+)*(\.(\d+(_\d+)*)?)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i
const infinite = /^[+-]?(inf|infinity|nan)$/i

function isUnplain(value: Json): boolean {
  return typeof value === "string" && /[^\x20-\x7e]/.test(value)
}

function numberOf(value: Json): number | undefined {
  if (value instanceof JsonNumber) return Number(value.text)
  if (typeof value === "boolean") return Number(value)
  if (typeof value !== "string") return undefined
  const text = value.trim()
  if (infinite.test(text)) return Number.NaN
  return decimal.test(text) ? Number(text.replaceAll("_", "")) : undefined
}
