#!/usr/bin/env node
import { runCommand } from "../dist/cli.js"

process.exit(await runCommand(process.argv.slice(2), process.env))
