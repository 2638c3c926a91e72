import type { Authority, Recognition } from "@trust-registry/proto"
import type { ShapeContext } from "./shapeContext.js"
import { checkWindow } from "./shapeWindow.js"

/** How much an authority may recognise. */
export const RECOGNITION_LIMITS = {
  /** Recognitions of other authorities. */
  maxRecognised: 100,
  /** Names or patterns of one recognition. */
  maxRecognisedNames: 100,
} as const

/** Checks what an authority recognises: other authorities, for names, within a window. */
export function checkRecognised({ id, recognised }: Authority, path: string, context: ShapeContext): void {
  for (const [index, recognition] of recognised.entries()) {
    const at = `${path}[${index}]`
    if (recognition.authorityId === id) context.report(`${at}.authority_id`, "is the authority itself")
    checkNames(recognition, `${at}.capabilities`, context)
    checkWindow(recognition, at, context.report)
  }
}

function checkNames({ capabilities }: Recognition, path: string, { limits, report }: ShapeContext): void {
  const most = RECOGNITION_LIMITS.maxRecognisedNames
  const count = capabilities.length
  if (count === 0 || count > most) report(path, `has ${count} names; 1 to ${most} are allowed`)
  for (const [index, name] of capabilities.slice(0, most).entries()) {
    const bytes = Buffer.byteLength(name)
    if (bytes < 1 || bytes > limits.maxIdBytes)
      report(`${path}[${index}]`, `is ${bytes} bytes long: a name is 1 to ${limits.maxIdBytes} bytes`)
    const first = capabilities.indexOf(name)
    if (first < index) report(`${path}[${index}]`, `is the same as capabilities[${first}]`)
  }
}
