#!/usr/bin/env node
import { main } from "../dist/cli/bundle.js"

process.exitCode = await main(process.argv.slice(2), process.env)
// An interrupted command does not wait for a pipe that it was reading from.
if (process.exitCode > 128) process.exit()
