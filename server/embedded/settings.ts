/** Names the socket file in the cluster's folder; nothing listens on a TCP port. */
export const SOCKET_PORT = 5432

/**
 * The settings passed on the command line at every start, so that they apply to clusters of older releases too.
 * `durable: false` is for throwaway clusters in tests: an acknowledged write may be lost with the machine.
 */
export function postmasterSettings(durable: boolean): string[] {
  const settings = {
    // Reachable through the socket alone; relative to the cluster, so no path is too long or needs quoting.
    listen_addresses: "",
    unix_socket_directories: ".",
    unix_socket_permissions: "0700",
    port: String(SOCKET_PORT),
    // Several worker processes with a pool each, a backup and an operator in psql.
    max_connections: "100",
    // Hot chains are in the server's own cache, and the rest in that of the operating system.
    shared_buffers: "128MB",
    // Files in the cluster: containers have little /dev/shm, and a killed database would leave segments behind there.
    dynamic_shared_memory_type: "mmap",
    // Lookups by key gain nothing from compiled plans or parallel workers, and pay for both.
    jit: "off",
    max_parallel_workers_per_gather: "0",
    // Enough for pg_basebackup and replicas; "minimal" saves nothing on our small transactions.
    wal_level: "replica",
    timezone: "UTC",
    log_timezone: "UTC",
    // A line every five minutes adds nothing and fills the log file, which is not rotated while the database runs.
    log_checkpoints: "off",
    // Documents are parameters, and must not be logged.
    log_parameter_max_length_on_error: "0",
    cluster_name: "trust-registry",
    ...(durable ? DURABLE : THROWAWAY),
  }
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
}

/** Explicit although these are the defaults: an acknowledged write survives a crash of the machine. */
const DURABLE = { fsync: "on", full_page_writes: "on", synchronous_commit: "on" }
const THROWAWAY = { fsync: "off", full_page_writes: "off", synchronous_commit: "off" }
