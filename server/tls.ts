import { X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { createSecureContext } from "node:tls"
import { ServerCredentials } from "@grpc/grpc-js"
import { type Config, ConfigError, type SettingName } from "./config/config.js"
import { settings } from "./config/settings.js"

/**
 * TLS with the certificate and key of the settings, for callers with a certificate only where TRUST_REGISTRY_TLS_CLIENT_CA
 * is set; else none. Throws ConfigError for files that cannot be read or do not fit together.
 */
export function credentialsOf(config: Config): ServerCredentials {
  if (config.tlsCert === "") return ServerCredentials.createInsecure()
  const cert = readPem(config, "tlsCert")
  const key = readPem(config, "tlsKey")
  const ca = config.tlsClientCa === "" ? null : readPem(config, "tlsClientCa")
  assureFit(cert, key, ca)
  return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], ca !== null)
}

function readPem(config: Config, name: SettingName & `tls${string}`) {
  try {
    return readFileSync(config[name])
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code
    throw new ConfigError([
      `${settings[name].variable} is "${config[name]}", which cannot be read: ${reason}`,
    ])
  }
}

/** grpc-js would tell of files that do not fit only in its own log, and refuse every handshake. */
function assureFit(cert: Buffer, key: Buffer, ca: Buffer | null) {
  try {
    createSecureContext({ cert, key, ...(ca && { ca }) })
    // A file without a certificate would be taken, and would let nobody in.
    if (ca) new X509Certificate(ca)
  } catch (error) {
    const { tlsCert, tlsKey, tlsClientCa } = settings
    const names = [tlsCert, tlsKey, ...(ca ? [tlsClientCa] : [])].map(({ variable }) => variable)
    throw new ConfigError([`${names.join(", ")} make no TLS: ${(error as Error).message}`])
  }
}
