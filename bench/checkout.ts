import { cp, mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runProgram } from "./processes.js"

const PROJECT = join(import.meta.dirname, "..")

/** Another commit of the project, built in its own folder. */
export interface Checkout {
  readonly folder: string
  readonly commit: string
  remove(): Promise<void>
}

/** Checks out a commit and builds it. Throws an Error with the output of git, npm or tsc. */
export async function checkOut(revision: string): Promise<Checkout> {
  const commit = await commitOf(revision)
  const parent = await mkdtemp(join(tmpdir(), "trust-registry-bench-commit-"))
  const folder = join(parent, "checkout")
  const remove = async () => {
    await git("worktree", "remove", "--force", folder).catch(() => undefined)
    await rm(parent, { recursive: true, force: true })
  }
  try {
    await git("worktree", "add", "--detach", folder, commit)
    await install(folder)
    await runProgram({ command: "npx", args: ["tsc", "-b"], cwd: folder })
    return { folder, commit, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** The short hash of a commit. */
export async function commitOf(revision: string): Promise<string> {
  return (await git("rev-parse", "--short", `${revision}^{commit}`)).trim()
}

/** The commit being measured, with `+` if files of the packages differ from it. */
export async function workingCommit(): Promise<string> {
  const changes = await git(
    "status",
    "--porcelain",
    "--",
    "proto",
    "eatp",
    "server",
    "client",
    "package-lock.json",
  )
  return `${await commitOf("HEAD")}${changes === "" ? "" : "+"}`
}

/** Copies node_modules if the dependencies are the same, keeping the links between the packages; otherwise installs them. */
async function install(folder: string) {
  const [here, there] = await Promise.all(
    [PROJECT, folder].map((root) => readFile(join(root, "package-lock.json"), "utf8")),
  )
  if (here !== there) {
    await runProgram({
      command: "npm",
      args: ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
      cwd: folder,
    })
    return
  }
  await cp(join(PROJECT, "node_modules"), join(folder, "node_modules"), {
    recursive: true,
    verbatimSymlinks: true,
  })
}

async function git(...args: string[]) {
  return await runProgram({ command: "git", args, cwd: PROJECT })
}
