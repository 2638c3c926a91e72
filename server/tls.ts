import { X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { createSecureContext } from "node:tls"
import { ServerCredentials } from "@grpc/grpc-js"
import { type Config, ConfigError, type SettingName } from "./config/config.js"
import { settings } from "./config/settings.js"

/**
 * TLS with the certificate and key of the settings, or plaintext without them. Requires client certificates if
 * TRUST_REGISTRY_TLS_CLIENT_CA is set. Throws ConfigError for files that cannot be read or do not match.
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

/** With files that do not match, grpc-js would start, fail every handshake, and only log why. */
function assureFit(cert: Buffer, key: Buffer, ca: Buffer | null) {
  try {
    createSecureContext({ cert, key, ...(ca && { ca }) })
    // A file without a certificate would be accepted, and would then refuse every client.
    if (ca) new X509Certificate(ca)
  } catch (error) {
    const { tlsCert, tlsKey, tlsClientCa } = settings
    const names = [tlsCert, tlsKey, ...(ca ? [tlsClientCa] : [])].map(({ variable }) => variable)
    throw new ConfigError([`${names.join(", ")} cannot be used for TLS: ${(error as Error).message}`])
  }
}
