import { parseDuration, parseWholeNumber } from "@trust-registry/eatp"
import { parseDatabaseUrl } from "../connection/databaseUrl.js"

/** An address to listen on. */
export interface ListenAddress {
  /** Host name or address; IPv6 without brackets. */
  readonly host: string
  /** 0 picks a free port. */
  readonly port: number
}

/** Parses whole numbers from `least` to `most`. */
export function countOf(least: number, most: number) {
  return (text: string): number => {
    const count = parseWholeNumber(text, BigInt(least), BigInt(most))
    if (count === undefined) throw new Error(`a whole number from ${least} to ${most}`)
    return Number(count)
  }
}

/** Parses a duration, a whole number with a unit (`90s`, `30m`, `12h`, `30d`), to milliseconds; empty is 0. */
export function durationOf(text: string): number {
  const ms = text === "" ? 0 : parseDuration(text)
  if (ms === undefined) throw new Error("a whole number with s, m, h or d, of at most 100 years: 30d")
  return ms
}

/** One of some words. */
export function choiceOf<const Word extends string>(words: readonly Word[]) {
  return (text: string): Word => {
    const word = words.find((word) => word === text)
    if (word === undefined) throw new Error(`one of ${words.join(", ")}`)
    return word
  }
}

/** Parses `true` or `false`. */
export function booleanOf(text: string): boolean {
  if (text !== "true" && text !== "false") throw new Error("true or false")
  return text === "true"
}

/** Parses text without control characters; `what` names it in the error. */
export function textOf(what: string) {
  return (text: string): string => {
    if (/\p{Cc}/u.test(text)) throw new Error(`${what} without control characters`)
    return text
  }
}

/** Parses `host:port` or `[::1]:port`. */
export function listenOf(text: string): ListenAddress {
  const { host, ip6, port } = LISTEN.exec(text)?.groups ?? {}
  const number = parseWholeNumber(port ?? "", 0n, 65_535n)
  const address = ip6 ?? host
  if (address === undefined || number === undefined) {
    throw new Error(
      "host:port or [IPv6 address]:port, with a port from 0 to 65535, for example 127.0.0.1:50051",
    )
  }
  return { host: address, port: Number(number) }
}

const LISTEN = /^(?:\[(?<ip6>[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)\]|(?<host>[A-Za-z0-9._-]+)):(?<port>\d{1,5})$/

/** Validates a `postgres://` URL and returns it unchanged; empty for the embedded PostgreSQL. */
export function databaseUrlOf(text: string): string {
  if (text !== "") parseDatabaseUrl(text)
  return text
}

/** Whether only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host)
}
