import { isInstalled } from "./processes.js"

/** External programs by their name in PATH, with the command that installs them on Debian. */
const INSTALL = {
  h2load: "apt-get install nghttp2-client",
  etcd: "apt-get install etcd-server",
  pgbench: "apt-get install postgresql-contrib",
} as const

/** A program that a figure needs. */
export type Program = keyof typeof INSTALL

/** Whether the program is installed. */
export function hasProgram(program: Program): boolean {
  return isInstalled(program)
}

/** The message for a missing program. */
export function howToInstall(program: Program): string {
  return `${program} is missing: ${INSTALL[program]}`
}
