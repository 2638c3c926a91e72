import { randomUUID } from "node:crypto"
import type { Socket } from "node:net"
import { connectionFailure, DatabaseUnfit } from "../../connection/failure.js"
import { nameOf, speaksSomethingElse } from "../../connection/openSocket.js"
import type { Host, Target } from "../../connection/target.js"
import { assureFit, type Facts, factsStatement, pinStatement } from "./sessionSettings.js"

/**
 * Prepares a session before the driver may use it: pins its settings, looks whether they hold in the next statement, and checks what
 * cannot be pinned. It reads along until the login is over, keeps the message that says so from the driver, sends statements of its own,
 * and hands the message on once all is well. Otherwise the socket is destroyed with the reason: DatabaseUnfit, or an error with a code
 * of PostgreSQL. The socket is untouched afterwards.
 *
 * @param events `onReady` is called before the driver hears that the session is ready, `onRefused` with the code of an error before that
 */
export function prepareSession(socket: Socket, target: Target, host: Host, events: SessionEvents): void {
  const deliver = socket.emit.bind(socket) as (event: string, ...values: unknown[]) => boolean
  const mark = randomUUID()
  let phase: "login" | "pins" | "facts" = "login"
  let held: Buffer | undefined
  let pending = Buffer.alloc(0)
  let pid: number | undefined
  let facts: Facts | undefined

  const statement = (text: string) => socket.write(queryMessage(text))
  const readyForQuery = (message: Buffer) => {
    if (phase === "login") {
      held = Buffer.from(message)
      phase = "pins"
      statement(pinStatement(mark, target.learnt.schema))
    } else if (phase === "pins") {
      // Not together with the first: poolers answer pipelined statements in ways of their own.
      phase = "facts"
      statement(factsStatement)
    } else open()
  }
  const open = () => {
    assureFit(facts, mark)
    target.learnt.pooler = Number(facts?.pid) !== pid
    // The method of the prototype is back.
    Reflect.deleteProperty(socket, "emit")
    events.onReady()
    // A pooler may leave them out, and then the driver would ask for them where nobody catches a failure.
    deliver("data", parameterMessage("in_hot_standby", "off"))
    deliver("data", parameterMessage("default_transaction_read_only", "off"))
    deliver("data", held)
  }

  const take = (message: Buffer) => {
    const type = String.fromCharCode(message[0] ?? 0)
    if (type === "Z") readyForQuery(message)
    else if (phase === "login" || type === "S") {
      if (type === "K") pid = message.readUInt32BE(HEADER_BYTES)
      if (type === "E") events.onRefused(fieldIn(message, "C"))
      deliver("data", Buffer.from(message))
    } else if (type === "E") throw errorIn(message)
    else if (type === "D" && phase === "facts") facts = factsIn(message)
  }

  const read = (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= HEADER_BYTES) {
      if (phase === "login" && !isOfLogin(pending)) throw speaksSomethingElse(host)
      const end = 1 + pending.readUInt32BE(1)
      if (pending.length < end) return
      const message = pending.subarray(0, end)
      pending = pending.subarray(end)
      take(message)
    }
  }

  socket.emit = (event: string | symbol, ...values: unknown[]) => {
    if (event !== "data") return deliver(event as string, ...values)
    try {
      read(values[0] as Buffer)
    } catch (error) {
      events.onRefused(String((error as { code?: unknown }).code))
      socket.destroy(error as Error)
    }
    return true
  }
}

/** What becomes of a session. */
export interface SessionEvents {
  onReady(): void
  onRefused(code: string): void
}

/** The error for a host whose session is not ready in time. */
export function sessionLate(host: Host, ms: number): Error {
  return connectionFailure("CONNECT_TIMEOUT", `${nameOf(host)} gave no session within ${ms} ms`)
}

const HEADER_BYTES = 5
/** Authentication, error, notice, parameter, key, ready, version. */
const LOGIN_TYPES = "RENSKZv"
/** Far above any message of a login. */
const LONGEST_LOGIN_MESSAGE = 65_536

function isOfLogin(bytes: Buffer) {
  const length = bytes.readUInt32BE(1)
  return (
    LOGIN_TYPES.includes(String.fromCharCode(bytes[0] ?? 0)) && length >= 4 && length <= LONGEST_LOGIN_MESSAGE
  )
}

function queryMessage(text: string): Buffer {
  return messageOf("Q", `${text}\0`)
}

function parameterMessage(name: string, value: string): Buffer {
  return messageOf("S", `${name}\0${value}\0`)
}

function messageOf(type: string, text: string): Buffer {
  const body = Buffer.from(text)
  const head = Buffer.alloc(HEADER_BYTES)
  head.write(type)
  head.writeUInt32BE(HEADER_BYTES - 1 + body.length, 1)
  return Buffer.concat([head, body])
}

/** The one JSON text of a row. */
function factsIn(row: Buffer): Facts {
  return JSON.parse(row.toString("utf8", 11)) as Facts
}

function errorIn(message: Buffer): Error {
  const text = `the settings of a session cannot be pinned: ${fieldIn(message, "M")}`
  const state = fieldIn(message, "C")
  // A server that stops or has no room; nothing else passes by itself.
  return /^5[378]|^08/.test(state) ? connectionFailure(state, text) : new DatabaseUnfit(text)
}

function fieldIn(message: Buffer, type: string): string {
  const fields = message.toString("utf8", HEADER_BYTES).split("\0")
  return fields.find((text) => text.startsWith(type))?.slice(1) ?? ""
}
