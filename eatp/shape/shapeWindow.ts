import type { AuthorityKey } from "@trust-registry/proto"
import { isBefore, momentProblem } from "../time/moment.js"
import type { ShapeContext } from "./shapeContext.js"

/** Checks a window: its ends are times, and it does not end before it begins. */
export function checkWindow(
  { notBefore, notAfter }: Pick<AuthorityKey, "notBefore" | "notAfter">,
  path: string,
  report: ShapeContext["report"],
): void {
  const faults = [
    ["not_before", notBefore && momentProblem(notBefore)],
    ["not_after", notAfter && momentProblem(notAfter)],
  ] as const
  for (const [name, fault] of faults) if (fault) report(`${path}.${name}`, fault)
  if (notBefore && notAfter && isBefore(notAfter, notBefore))
    report(`${path}.not_after`, "is before not_before")
}
