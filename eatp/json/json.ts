/**
 * A JSON value that loses nothing of its text: numbers keep their digits, objects keep the order of their keys,
 * whatever the keys are.
 */
export type Json = null | boolean | string | JsonNumber | Json[] | JsonObject

/** A JSON number as it was written: `1.0`, `1` and `1e0` are three different numbers to a signature. */
export class JsonNumber {
  /** The text of the number, for example `1e+16`. */
  readonly text: string

  /** Takes the text of a number as RFC 8259 writes it; nothing checks it here. */
  constructor(text: string) {
    this.text = text
  }

  /** Whether Python reads it as an int: no fraction and no exponent. */
  get isInteger(): boolean {
    return !/[.eE]/.test(this.text)
  }
}

/**
 * A JSON object: a Map from key to value in source order, so that `"10"` stays before `"2"` and `"__proto__"` is a key
 * like any other. An object that came from text also knows the exact text of each member's value.
 */
export class JsonObject extends Map<string, Json> {
  #source = ""
  // Start and end of each value's text, in the order of the keys.
  #spans: number[] | undefined

  /** Takes members in their order; without source texts. */
  constructor(members: Iterable<readonly [string, Json]> = []) {
    super()
    for (const [key, value] of members) super.set(key, value)
  }

  /** Adds a member whose value is `source.slice(start, end)`; only for a parser, on an object not otherwise changed. */
  addParsed(key: string, value: Json, source: string, start: number, end: number): void {
    super.set(key, value)
    this.#source = source
    this.#spans ??= []
    this.#spans.push(start, end)
  }

  /** Text of a member's value as it stood in the source; undefined for a key that is missing or was set by hand. */
  textOf(key: string): string | undefined {
    if (this.#spans === undefined || !this.has(key)) return undefined
    let index = 0
    for (const name of this.keys()) {
      if (name === key) return this.#source.slice(this.#spans[index], this.#spans[index + 1])
      index += 2
    }
    return undefined
  }

  /** Sets a member; from then on the object no longer knows source texts. */
  override set(key: string, value: Json): this {
    this.#spans = undefined
    return super.set(key, value)
  }

  /** Removes a member; from then on the object no longer knows source texts. */
  override delete(key: string): boolean {
    this.#spans = undefined
    return super.delete(key)
  }
}
