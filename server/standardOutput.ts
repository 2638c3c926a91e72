import { constants, fstatSync, openSync, write, writeSync } from "node:fs"
import { Socket } from "node:net"
import { isatty } from "node:tty"

/** Takes texts without holding up this thread. */
export interface Sink {
  /** Sends a text, and calls back when it is out or has failed. */
  send(text: string, done: (failed: boolean) => void): void
  /** Sends what can be sent at once. */
  sendNow(text: string): void
}

/**
 * Standard output, which may be anything. A thread that is blocked in a write would keep the process from exiting, so nothing blocks but
 * files: pipes and sockets are written by the event loop, and a terminal, which Ctrl-S stops, by tries.
 */
export function standardOutput(): Sink {
  const own = openAnew()
  if (isatty(STDOUT) || fstatSync(STDOUT).isFile()) return descriptorSink(own ?? STDOUT)
  const stream = own === undefined ? process.stdout : new Socket({ fd: own, readable: false })
  // The write fails as well, which counts its lines.
  stream.on("error", () => undefined)
  return stream instanceof Socket ? streamSink(stream, own ?? STDOUT) : descriptorSink(STDOUT)
}

const STDOUT = 1

/**
 * A pipe or terminal, opened again: what other processes that have it set for theirs, such as to block, does not count for ours. Not
 * possible for a socket, nor for what belongs to another user, as a terminal after su.
 */
function openAnew(): number | undefined {
  try {
    if (!fstatSync(STDOUT).isFIFO() && !isatty(STDOUT)) return undefined
    return openSync("/dev/fd/1", constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return undefined
  }
}

function streamSink(socket: Socket, fd: number): Sink {
  return {
    send: (text, done) => {
      socket.write(text, (error) => done(Boolean(error)))
    },
    // What waits in the socket comes first, and there is no time for it.
    sendNow: (text) => {
      if (socket.writableLength === 0) writeNow(fd, text)
    },
  }
}

function descriptorSink(fd: number): Sink {
  let sending = false
  const send = (bytes: Buffer, done: (failed: boolean) => void) => {
    sending = true
    write(fd, bytes, (error, written) => {
      const rest = error ? bytes : bytes.subarray(written)
      sending = false
      if (error && error.code !== "EAGAIN") done(true)
      else if (rest.length === 0) done(false)
      else if (error) setTimeout(send, RETRY_MS, rest, done)
      else send(rest, done)
    })
  }
  return {
    send: (text, done) => send(Buffer.from(text), done),
    sendNow: (text) => {
      if (!sending) writeNow(fd, text)
    },
  }
}

/** Between two tries to write to a terminal that is stopped. */
const RETRY_MS = 100

function writeNow(fd: number, text: string) {
  try {
    for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest))
  } catch {
    // Nobody reads it.
  }
}
