import cluster from "node:cluster"
import { createInterface } from "node:readline"
import { logLine } from "./log.js"

/**
 * Starts a worker whose output goes through this process. Inherited, standard output would be set to blocking for all who have it, each
 * time that a worker starts.
 */
export function forkWorker() {
  cluster.setupPrimary({ stdio: ["ignore", "pipe", "pipe", "ipc"] })
  const worker = cluster.fork()
  const { stdout, stderr } = worker.process
  if (stdout) createInterface({ input: stdout }).on("line", (line) => logLine(`${line}\n`))
  stderr?.on("data", (chunk) => {
    if (!process.stderr.writableNeedDrain) process.stderr.write(chunk)
  })
  return worker
}
