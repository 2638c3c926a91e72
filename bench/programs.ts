import { isInstalled } from "./processes.js"

/** Programs that are not of this project, by their name in PATH, with the command that installs them on Debian. */
const INSTALL = {
  h2load: "apt-get install nghttp2-client",
  etcd: "apt-get install etcd-server",
  pgbench: "apt-get install postgresql-contrib",
} as const

/** A program that some figure needs. */
export type Program = keyof typeof INSTALL

/** Whether it is there. */
export function hasProgram(program: Program): boolean {
  return isInstalled(program)
}

/** What to tell somebody who does not have it. */
export function howToInstall(program: Program): string {
  return `${program} is missing: ${INSTALL[program]}`
}
