import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { connect, isIP, Socket } from "node:net"
import { type ConnectionOptions, checkServerIdentity, connect as startTls } from "node:tls"
import { connectionFailure, DatabaseUnfit } from "./failure.js"
import type { Encryption, Host, Target } from "./target.js"

/**
 * Connects to one host, encrypted as the target asks. Rejects with the system's error, with TLS's, or with {@link DatabaseUnfit} for
 * a server that refuses encryption or speaks another protocol. An abort of the signal ends the attempt.
 */
export async function openSocket(target: Target, host: Host, signal: AbortSignal): Promise<Socket> {
  const { encryption } = target
  const tls = encryption.mode === "disable" || isFolder(host) ? undefined : await tlsOptions(encryption, host)
  const socket = await connected(host, signal)
  try {
    socket.setNoDelay(true)
    if (target.keepAliveS > 0) socket.setKeepAlive(true, 1000 * target.keepAliveS)
    if (!tls) return socket
    if (!encryption.direct && !(await grantsTls(socket, host, signal))) {
      if (encryption.mode === "prefer") return socket
      throw new DatabaseUnfit(
        `${nameOf(host)} does not encrypt, which sslmode=${encryption.mode} demands: turn on TLS there (ssl = on)`,
      )
    }
    return await encrypted(socket, tls, host, signal)
  } catch (error) {
    socket.on("error", () => undefined).destroy()
    throw signal.aborted ? signal.reason : error
  }
}

/** For people: `host:port`, or the path of a socket. */
export function nameOf({ host, port }: Host): string {
  if (host.startsWith("/")) return socketPath(host, port)
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
}

function socketPath(folder: string, port: number) {
  return `${folder}/.s.PGSQL.${port}`
}

function isFolder({ host, address }: Host) {
  return address === "" && host.startsWith("/")
}

async function connected(host: Host, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const socket = isFolder(host)
    ? connect(socketPath(host.host, host.port))
    : connect({ host: host.address || host.host, port: host.port })
  return await settled(socket, "connect", signal)
}

/** The socket once it has emitted the event; destroyed if it fails or the signal aborts first. */
async function settled<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  try {
    await once(socket, event, { signal })
    return socket
  } catch (error) {
    // An error that comes later than the abort would be nobody's.
    socket.on("error", () => undefined).destroy()
    throw signal.aborted ? signal.reason : error
  }
}

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const GRANTED = "S"
const DENIED = "N"

/** Asks the server whether it encrypts. */
async function grantsTls(socket: Socket, host: Host, signal: AbortSignal): Promise<boolean> {
  socket.write(SSL_REQUEST)
  const closed = once(socket, "close", { signal }).then(() => {
    throw connectionFailure("CONNECTION_CLOSED", `${nameOf(host)} closed the connection`)
  })
  closed.catch(() => undefined)
  const [answer] = (await Promise.race([once(socket, "data", { signal }), closed])) as [Buffer]
  const text = answer.toString("latin1")
  if (text === GRANTED || text === DENIED) return text === GRANTED
  // More than one byte: another protocol's greeting, or bytes that somebody put before the encryption.
  throw speaksSomethingElse(host)
}

/** The error for a port that is not PostgreSQL's. */
export function speaksSomethingElse(host: Host): DatabaseUnfit {
  return new DatabaseUnfit(
    `what answers at ${nameOf(host)} does not speak PostgreSQL's protocol: check host and port`,
  )
}

async function encrypted(socket: Socket, options: ConnectionOptions, host: Host, signal: AbortSignal) {
  try {
    return await settled(startTls({ ...options, socket }), "secureConnect", signal)
  } catch (cause) {
    if (signal.aborted) throw cause
    const { code = "", message } = cause as NodeJS.ErrnoException
    if (/^(ECONN|EPIPE|ETIMEDOUT)/.test(code)) throw cause
    throw new DatabaseUnfit(`no trustworthy TLS connection to ${nameOf(host)}: ${message}`, { cause })
  }
}

async function tlsOptions(encryption: Encryption, { host, address }: Host): Promise<ConnectionOptions> {
  const { mode, rootCert, crl, cert, key, keyPassword, direct, sendsName } = encryption
  const name = host || address
  const verifies = mode === "verify-ca" || mode === "verify-full"
  return {
    minVersion: encryption.minVersion,
    maxVersion: encryption.maxVersion,
    rejectUnauthorized: verifies,
    checkServerIdentity: (_, certificate) =>
      mode === "verify-full" ? checkServerIdentity(name, certificate) : undefined,
    ...(sendsName && isIP(name) === 0 && !name.startsWith("/") ? { servername: name } : {}),
    ...(direct ? { ALPNProtocols: ["postgresql"] } : {}),
    ...(rootCert === "" || rootCert === "system" ? {} : { ca: await fileOf("sslrootcert", rootCert) }),
    ...(crl === "" ? {} : { crl: await fileOf("sslcrl", crl) }),
    ...(cert === "" ? {} : { cert: await fileOf("sslcert", cert), key: await fileOf("sslkey", key) }),
    ...(keyPassword === "" ? {} : { passphrase: keyPassword }),
  }
}

async function fileOf(parameter: string, path: string) {
  return await readFile(path).catch((cause: Error) => {
    throw new DatabaseUnfit(`the file of ${parameter} cannot be read: ${cause.message}`, { cause })
  })
}

/** A socket that fails with this error as soon as somebody listens. */
export function failedSocket(error: Error): Socket {
  const socket = new Socket()
  setImmediate(() => socket.destroy(error))
  return socket
}
