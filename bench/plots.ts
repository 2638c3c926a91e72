import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { parse, View } from "vega"
import { compile, type TopLevelSpec } from "vega-lite"
import type { Curve } from "./figure.js"

/** Draws a curve as an SVG file in a folder; returns the file's name. */
export async function plot(curve: Curve, folder: string): Promise<string> {
  const view = new View(parse(compile(specOf(curve)).spec), { renderer: "none" })
  const name = `performance-${curve.name}.svg`
  await writeFile(join(folder, name), `${await view.toSVG()}\n`)
  view.finalize()
  return name
}

function specOf({ title, x, y, logX = false, logY = false, points }: Curve): TopLevelSpec {
  const axis = (field: "x" | "y", name: string, log: boolean) => ({
    field,
    type: "quantitative" as const,
    title: name,
    scale: log ? { type: "log" as const } : { zero: true },
  })
  const several = new Set(points.map(({ series }) => series)).size > 1
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title,
    width: 560,
    height: 300,
    background: "white",
    data: { values: points.map((point) => ({ ...point })) },
    mark: { type: "line", point: true },
    encoding: {
      x: axis("x", x, logX),
      y: axis("y", y, logY),
      ...(several ? { color: { field: "series", type: "nominal" as const, title: null, sort: null } } : {}),
    },
  }
}
