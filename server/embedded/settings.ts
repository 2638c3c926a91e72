/** Names the socket file in the cluster's folder; nothing listens on a TCP port. */
export const SOCKET_PORT = 5432

/**
 * The settings every start passes on the command line, so that they hold for clusters of older releases too.
 * `durable: false` is for throwaway clusters in tests: an acknowledged write may be lost with the machine.
 */
export function postmasterSettings(durable: boolean): string[] {
  const settings = {
    // Reachable through the socket alone; relative to the cluster, so no path is too long or needs quoting.
    listen_addresses: "",
    unix_socket_directories: ".",
    unix_socket_permissions: "0700",
    port: String(SOCKET_PORT),
    // Several worker processes with a pool each, a backup and a person in psql.
    max_connections: "100",
    // Hot chains sit in the server's own cache; the operating system's cache does the rest.
    shared_buffers: "128MB",
    // Files in the cluster: containers give little /dev/shm, and a killed database leaves nothing behind there.
    dynamic_shared_memory_type: "mmap",
    // Lookups by key gain nothing from compiled plans or parallel workers, and pay for both.
    jit: "off",
    max_parallel_workers_per_gather: "0",
    // Enough for pg_basebackup and replicas; "minimal" spares nothing on our small transactions.
    wal_level: "replica",
    timezone: "UTC",
    log_timezone: "UTC",
    // A line every five minutes says nothing and fills the log file, which nobody rotates while we run.
    log_checkpoints: "off",
    // Documents are parameters; they do not belong in a log.
    log_parameter_max_length_on_error: "0",
    cluster_name: "trust-registry",
    ...(durable ? DURABLE : THROWAWAY),
  }
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
}

/** Said aloud although they are the defaults: an acknowledged write survives a crash of the machine. */
const DURABLE = { fsync: "on", full_page_writes: "on", synchronous_commit: "on" }
const THROWAWAY = { fsync: "off", full_page_writes: "off", synchronous_commit: "off" }
