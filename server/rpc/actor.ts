import type { ServerCall } from "./handlers.js"

/**
 * Who calls, as recorded with each change. Of a verified TLS client certificate: `cert:URI=…` for the URIs of its subject
 * alternative names, which name a SPIFFE workload, else `cert:CN=…` for its subject, else `cert:SHA256=…` for its fingerprint.
 * Without one: `peer:` and the address without the port, which differs from connection to connection.
 */
export function actorOf(call: Pick<ServerCall, "getAuthContext" | "getPeer">): string {
  const certificate = call.getAuthContext().sslPeerCertificate
  if (!certificate) return `peer:${addressOf(call.getPeer())}`
  const { subject, subjectaltname, fingerprint256 } = certificate
  return `cert:${urisOf(subjectaltname) || subjectOf(subject) || `SHA256=${fingerprint256}`}`
}

/** The peer without its port. An IPv4 address on a dual-stack socket is written as IPv4. */
export function addressOf(peer: string): string {
  return peer.replace(/:\d+$/, "").replace(/^::ffff:(?=\d+\.)/i, "")
}

// Node writes `DNS:a, URI:b`, and a name with a special character as a JSON string, so that it does not read like two.
function urisOf(names: string | undefined): string {
  const uris = Array.from((names ?? "").matchAll(ALT_NAME), ([, kind, name = ""]) =>
    kind === "URI" ? [name] : [],
  )
  return uris
    .flat()
    .map((uri) => `URI=${escapePart(uri.startsWith('"') ? String(JSON.parse(uri)) : uri)}`)
    .join(",")
}

const ALT_NAME = /(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)/g

// Of a certificate without a subject Node gives none, or an empty one.
function subjectOf(subject: object | undefined): string {
  const parts = Object.entries(subject ?? {}).flatMap(([name, value]) =>
    [value].flat().map((text) => `${name}=${escapePart(String(text))}`),
  )
  return parts.join(",")
}

/** As in RFC 4514, so that a name with a comma does not read like two; a NUL could not be stored. */
function escapePart(text: string) {
  return text.replace(/[,+="\\<>;]/g, "\\$&").replace(CONTROLS, hexPair)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
const CONTROLS = /[\u0000-\u001f\u007f]/g

function hexPair(character: string) {
  return `\\${character.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`
}
