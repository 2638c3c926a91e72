// Writes dist/cli/bundle.js, the command line in one file. Node.js needs half as long to load it as the 190 modules that it consists of.
// The licenses of what others wrote in it come with it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { build } from "esbuild"

const root = join(import.meta.dirname, "..")
const folder = join(import.meta.dirname, "dist/cli")

const { metafile } = await build({
  entryPoints: [join(folder, "main.js")],
  outfile: join(folder, "bundle.js"),
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  // What grpc-js requires at run time are modules of Node.js.
  banner: {
    js: 'import { createRequire } from "node:module"\nconst require = createRequire(import.meta.url)',
  },
  metafile: true,
  logLevel: "warning",
})

const packages = Object.keys(metafile.inputs).flatMap(
  (file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? [],
)
const licenses = [...new Set(packages)].sort().map((name) => `${name}\n\n${licenseOf(join(root, name))}`)
writeFileSync(join(folder, "bundle.licenses.txt"), licenses.join("\n\n"))

function licenseOf(packageFolder) {
  const file = readdirSync(packageFolder).find((name) => /^licen[sc]e/i.test(name))
  if (file) return readFileSync(join(packageFolder, file), "utf8")
  return JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")).license
}
