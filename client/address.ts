import { isIPv6 } from "node:net"
import { parseWholeNumber } from "@trust-registry/eatp"

/**
 * Throws a TypeError for an address that {@link connect} cannot use: grpc-js would look for a host named `http`, or
 * retry an impossible port forever.
 */
export function assertAddress(address: string): void {
  if (isSocket(address)) return
  const targets = targetsOf(address)
  if (!targets.every((target) => isIPv6(target) || isTarget(target))) {
    const port = targets.map((target) => /:(\d+)$/.exec(target)?.[1]).find((text) => text && !isPort(text))
    const limit = port === undefined ? "" : `; port ${port} is not one of 1 to 65535`
    throw new TypeError(`invalid address ${address}: it must be HOST:PORT, without http://${limit}`)
  }
}

/** Whether every target in the address has a port or needs none. */
export function hasPort(address: string): boolean {
  return isSocket(address) || targetsOf(address).every((target) => PORT.test(target) && !isIPv6(target))
}

/** Whether every target in the address is on this machine: loopback or a Unix socket. */
export function isOnThisMachine(address: string): boolean {
  return isSocket(address) || targetsOf(address).every((target) => LOOPBACK.test(target))
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|::1)(:\d+)?$/i

function isSocket(address: string) {
  return /^unix(-abstract)?:./i.test(address)
}

function targetsOf(address: string) {
  return address
    .replace(/^(dns|ipv4|ipv6):/i, "")
    .replace(/^\/\/[^/]*\//, "")
    .split(",")
}

function isTarget(target: string) {
  const port = PORT.exec(target)?.[1]
  const host = target.replace(PORT, "")
  return HOST.test(host) && (port === undefined || isPort(port))
}

function isPort(text: string) {
  return parseWholeNumber(text, 1n, 65_535n) !== undefined
}

const PORT = /:(\d{1,5})$/
const HOST = /^(\[[0-9a-f:.]+(%[\w.-]+)?\]|[^\s:/?#@[\]]+)$/i
