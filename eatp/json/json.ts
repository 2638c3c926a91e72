/** A JSON value that loses nothing of its text: numbers keep their digits, objects the order of any keys. */
export type Json = null | boolean | string | JsonNumber | Json[] | JsonObject

/** A JSON number as written: `1.0`, `1` and `1e0` are three different numbers to a signature. */
export class JsonNumber {
  /** The text of the number, for example `1e+16`. */
  readonly text: string

  /** Takes the text of a number as in RFC 8259, unchecked. */
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
 * like any other. A parsed object also keeps the exact text of each member's value.
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

  /** The source text of a member's value; undefined if the key is missing or the object was changed. */
  textOf(key: string): string | undefined {
    if (this.#spans === undefined || !this.has(key)) return undefined
    let index = 0
    for (const name of this.keys()) {
      if (name === key) return this.#source.slice(this.#spans[index], this.#spans[index + 1])
      index += 2
    }
    return undefined
  }

  /** Sets a member and forgets all source texts. */
  override set(key: string, value: Json): this {
    this.#spans = undefined
    return super.set(key, value)
  }

  /** Removes a member and forgets all source texts. */
  override delete(key: string): boolean {
    this.#spans = undefined
    return super.delete(key)
  }
}
