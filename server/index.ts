export {
  type Config,
  ConfigError,
  defaultConfig,
  type LoadedConfig,
  loadConfig,
  type SettingName,
  type Source,
} from "./config/config.js"
export type { ListenAddress } from "./config/values.js"
export { EmbeddedPostgresError, type EmbeddedPostgresErrorCode } from "./embedded/errors.js"
export { createLog, type Log } from "./log.js"
export { type RegistryServer, type ServerOptions, startServer } from "./main.js"
export type { Connection } from "./store/database/sql.js"
