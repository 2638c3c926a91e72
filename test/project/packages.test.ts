import { existsSync, readdirSync, readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { dirname, join, relative } from "node:path"
import { expect } from "chai"

const ROOT = join(import.meta.dirname, "..", "..")

/** The import rule of docs/architecture.md: what of ours each package may import. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  proto: [],
  eatp: ["@trust-registry/proto"],
  server: ["@trust-registry/proto", "@trust-registry/eatp"],
  client: ["@trust-registry/proto", "@trust-registry/eatp"],
}

describe("packages", () => {
  for (const [name, ours] of Object.entries(MAY_IMPORT)) {
    describe(name, () => {
      const imports = filesIn(name, /\.[jt]s$/).flatMap(importsOf)
      const packages = imports.filter(({ to }) => !to.startsWith(".") && !isBuiltin(to))

      it("imports only the packages that it may, by public entry points", () => {
        const wrong = packages.filter(({ to }) => to.startsWith("@trust-registry/") && !ours.includes(to))
        expect(wrong.map(tell)).to.deep.equal([])
      })

      it("uses no relative import that leaves its folder", () => {
        const relatives = imports.filter(({ to }) => to.startsWith("."))
        const outside = relatives.filter(({ from, to }) =>
          relative(name, join(dirname(from), to)).startsWith(".."),
        )
        expect(relatives).to.have.length.above(3)
        expect(outside.map(tell)).to.deep.equal([])
      })

      it("has no import cycle between its folders", () => {
        expect(circlesOf(filesIn(name, /\.[jt]s$/).flatMap(importsOf))).to.deep.equal([])
      })

      it("declares all that it imports, and nothing else", () => {
        const manifest = JSON.parse(read(join(name, "package.json"))) as Record<string, object>
        const used = new Set(packages.map(({ to }) => packageOf(to)))
        expect(Object.keys(manifest.dependencies ?? {}).sort()).to.deep.equal([...used].sort())
        for (const field of ["devDependencies", "peerDependencies"])
          expect(manifest).not.to.have.property(field)
      })

      it("publishes the sources that its source maps point to", () => {
        const { files } = JSON.parse(read(join(name, "package.json"))) as { files: string[] }
        const entries = filesIn(name, /\.(ts|sql)$/).map((file) => file.split("/")[1] ?? "")
        const wanted = new Set(entries.map((entry) => (entry.endsWith(".ts") ? "*.ts" : entry)))
        expect(files).to.include.members(["dist", ...wanted])
      })
    })
  }

  it("declare the same version of a shared dependency", () => {
    const versions = new Map<string, Set<string>>()
    for (const name of Object.keys(MAY_IMPORT)) {
      const { dependencies } = JSON.parse(read(join(name, "package.json"))) as {
        dependencies: Record<string, string>
      }
      for (const [dependency, version] of Object.entries(dependencies)) {
        versions.set(dependency, (versions.get(dependency) ?? new Set()).add(version))
      }
    }
    const differing = [...versions].filter(([, found]) => found.size > 1).map(([dependency]) => dependency)
    expect(differing).to.deep.equal([])
  })

  it("keep eatp pure: no I/O, no clock, no randomness", () => {
    const files = filesIn("eatp", /\.ts$/)
    // Timers for setImmediate alone, which lets others run between slices of long work.
    const pure = ["node:crypto", "node:timers/promises"]
    const builtins = files.flatMap(importsOf).filter(({ to }) => isBuiltin(to) && !pure.includes(to))
    expect(builtins.map(tell)).to.deep.equal([])
    const impure =
      /\bset(Timeout|Interval)\b|\bprocess\.|\bDate\.now|\bnew Date\(\)|\bMath\.random|\brandom(Bytes|UUID|Int)\b|\bfetch\(/
    expect(files.filter((file) => impure.test(code(file)))).to.deep.equal([])
  })

  it("read the environment only in server/config, which receives it from the executable", () => {
    const looks = ["proto", "eatp", "server", "client"].flatMap((name) =>
      filesIn(name, /\.[jt]s$/).flatMap((file) =>
        [...code(file).matchAll(/\bprocess\.env\b[.\w]*/g)].map(([look]) => `${file}: ${look}`),
      ),
    )
    expect(looks.filter((look) => !look.startsWith("server/config/"))).to.have.members([
      // Not a setting: where the programs of PostgreSQL find those of the system.
      "server/embedded/identity.ts: process.env.PATH",
      "server/bin/trust-registry-server.js: process.env",
      "client/bin/trust-registry.js: process.env",
    ])
  })

  it("contain SQL only in server/store, server/schema and server/embedded", () => {
    const elsewhere = Object.keys(MAY_IMPORT)
      .flatMap((name) => filesIn(name, /\.([jt]s|sql)$/))
      .filter((file) => !/^server\/(store|schema|embedded)\//.test(file))
    expect(elsewhere.filter((file) => file.endsWith(".sql"))).to.deep.equal([])
    const drivers = elsewhere.flatMap(importsOf).filter(({ to }) => to === "postgres")
    expect(drivers.map(tell)).to.deep.equal([])
    const statement = /\bsql`|\.unsafe\(|["'`]\s*(select|insert into|update \w+ set|delete from)\s/i
    expect(elsewhere.filter((file) => statement.test(code(file)))).to.deep.equal([])
  })

  it("read what people give by eatp/input, never by Date, which reads 30 February as 2 March", () => {
    // Of Date only what cannot be misread: the present, and a number.
    const loose =
      /\bDate\.(parse|UTC)\b|\bnew Date\((?!\)|Number\()|\bfromJson\((Timestamp|Duration)Schema|\btimestampFromDate\(|\bparse(Int|Float)\(/
    const files = Object.keys(MAY_IMPORT).flatMap((name) => filesIn(name, /\.[jt]s$/))
    expect(files.filter((file) => loose.test(code(file)))).to.deep.equal([
      // No people, but tables and files of programs.
      "eatp/python/printable.ts",
      "server/embedded/cluster.ts",
      "server/embedded/postmaster.ts",
    ])
    const digits = /\/\^?\(?\[1-9\]\\d|\/\^\\d\{1,\d+\}\$\/|\[0-9a-f\]\{8\}/
    const elsewhere = files.filter((file) => !file.startsWith("eatp/input/"))
    expect(elsewhere.filter((file) => digits.test(code(file)))).to.deep.equal([])
  })

  it("are used by the examples only through the SDK's public entry point", () => {
    const imports = filesIn("examples", /\.ts$/).flatMap(importsOf)
    const foreign = imports.filter(({ to }) => !isBuiltin(to) && !/^\.\/\w+\.js$/.test(to))
    expect(new Set(foreign.map(({ to }) => to))).to.deep.equal(new Set(["@trust-registry/client"]))
  })
})

describe("the documentation", () => {
  const pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", ...filesIn("docs", /\.md$/)]

  it("has a README of at most 150 lines", () => {
    expect(read("README.md").trimEnd().split("\n")).to.have.length.within(20, 150)
  })

  it("has a changelog with a section for the next release", () => {
    expect(read("CHANGELOG.md")).to.match(/^## \[Unreleased\]$/m)
  })

  for (const page of pages) {
    it(`has no broken links in ${page}`, () => {
      const links = [...prose(page).matchAll(/\[[^\]]+\]\(([^)\s]+)\)/g)].map(([, link]) => String(link))
      expect(links.filter((link) => !/^https?:/.test(link) && !resolves(page, link))).to.deep.equal([])
    })
  }
})

interface Import {
  readonly from: string
  readonly to: string
}

/**
 * Circles of imports between what stands side by side in a folder: each file and each folder, with all that is in it. Each circle
 * is the imports that close it.
 */
function circlesOf(imports: Import[]): string[][] {
  const edges = new Map<string, Map<string, Import>>()
  for (const one of imports.filter(({ to }) => to.startsWith("."))) {
    const [from, to] = [one.from.split("/"), join(dirname(one.from), one.to).split("/")]
    const fork = from.findIndex((part, index) => part !== to[index]?.replace(/\.js$/, ".ts"))
    if (fork < 0) continue
    const node = (path: string[]) =>
      path
        .slice(0, fork + 1)
        .join("/")
        .replace(/\.js$/, ".ts")
    const out = edges.get(node(from)) ?? new Map<string, Import>()
    edges.set(node(from), out.set(node(to), one))
  }
  const circles: string[][] = []
  const left = new Set<string>()
  const walk = (node: string, path: string[]) => {
    const start = path.indexOf(node)
    if (start >= 0) {
      const circle = [...path.slice(start), node]
      circles.push(
        circle.slice(1).map((to, index) => tell(edges.get(circle[index] ?? "")?.get(to) as Import)),
      )
    }
    if (start >= 0 || left.has(node)) return
    for (const next of edges.get(node)?.keys() ?? []) walk(next, [...path, node])
    left.add(node)
  }
  for (const node of edges.keys()) walk(node, [])
  return circles
}

function tell({ from, to }: Import) {
  return `${from} imports ${to}`
}

/** What a file imports, exports from elsewhere or loads at run time. */
function importsOf(file: string): Import[] {
  const statements =
    /^(?:import|export)\b[^"'`;]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm
  return [...code(file).matchAll(statements)].map(([, a, b, c]) => ({ from: file, to: a ?? b ?? c ?? "" }))
}

/** A file without its comments, so that words in them do not count. */
function code(file: string) {
  return read(file).replace(/^\s*(\/\*[\s\S]*?\*\/|\/\/.*)/gm, "")
}

/** The package of a specifier: `@bufbuild/protobuf` of `@bufbuild/protobuf/wkt`. */
function packageOf(specifier: string) {
  const [scope, name] = specifier.split("/")
  return scope?.startsWith("@") ? `${scope}/${name}` : scope
}

/** The files of a folder that were written, not built, with paths from the top. */
function filesIn(folder: string, name: RegExp): string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true })
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return /^(dist|node_modules)$/.test(entry.name) ? [] : filesIn(path, name)
    return name.test(entry.name) ? [path] : []
  })
}

function read(file: string) {
  return readFileSync(join(ROOT, file), "utf8")
}

/** A page without its code. */
function prose(page: string) {
  return read(page).replace(/^```[\s\S]*?^```$|`[^`\n]*`|^ {4}.*$/gm, "")
}

function resolves(page: string, link: string) {
  const [path = "", anchor] = link.split("#")
  const target = path === "" ? page : join(dirname(page), path)
  if (!existsSync(join(ROOT, target))) return false
  return anchor === undefined || headingsOf(target).includes(anchor)
}

/** The anchors that a page's headings get. */
function headingsOf(page: string) {
  const headings = [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, text]) => String(text))
  return headings.map((text) =>
    text
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  )
}
