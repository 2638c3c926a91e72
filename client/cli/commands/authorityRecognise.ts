import { create } from "@bufbuild/protobuf"
import { RecognitionSchema } from "@trust-registry/proto"
import { printDocumentChange } from "../authorities/authorityOutput.js"
import { command, type Flag, type Invocation } from "../command.js"
import { errorReportOf, reportError } from "../errorReport.js"
import { momentOf } from "../flags/filterFlags.js"
import { SIGN_FLAGS, signingOf } from "../flags/signFlags.js"
import { EXIT, exitCodeOf } from "../output/exit.js"

const NAMES_FLAG = {
  capability: {
    type: "string",
    multiple: true,
    value: "NAME",
    help: "the name of a capability, or a pattern such as read_*",
  },
} as const satisfies Record<string, Flag>

/** Has an authority recognise what another one attests. */
export const recogniseAuthority = command({
  args: "AUTHORITY OTHER",
  arity: [2, 2],
  summary: "have an authority recognise what another one attests",
  details:
    "AUTHORITY recognises attestations by OTHER of the named capabilities. `authority get` shows what it recognises.",
  examples: ["authority recognise org-acme org-partner --capability 'read_*' --key org-acme.key"],
  flags: {
    ...NAMES_FLAG,
    capability: { ...NAMES_FLAG.capability, required: true },
    from: { type: "string", value: "TIME", help: "from when (ISO 8601; default: always)" },
    until: { type: "string", value: "TIME", help: "until when (ISO 8601; default: for good)" },
    ...SIGN_FLAGS,
  },
  async run(invocation) {
    const { args, values } = invocation
    const [authorityId = "", other = ""] = args
    const [notBefore, notAfter] = [momentOf(values, "from"), momentOf(values, "until")]
    const recognition = create(RecognitionSchema, {
      authorityId: other,
      capabilities: values.capability,
      ...(notBefore && { notBefore }),
      ...(notAfter && { notAfter }),
    })
    const options = await signingOf(values)
    return await reported(invocation, authorityId, async () => {
      const { record } = await invocation.registry().recognise({ authorityId, recognition }, options)
      await printDocumentChange(invocation, "updated", record)
    })
  },
})

/** Has an authority no longer recognise what another one attests. */
export const unrecogniseAuthority = command({
  args: "AUTHORITY OTHER",
  arity: [2, 2],
  summary: "have an authority no longer recognise what another one attests",
  details:
    "Without --capability nothing that OTHER attests is recognised any more. A name or pattern is dropped as it was written.",
  examples: ["authority unrecognise org-acme org-partner --key org-acme.key"],
  flags: { ...NAMES_FLAG, ...SIGN_FLAGS },
  async run(invocation) {
    const { args, values } = invocation
    const [authorityId = "", recognisedId = ""] = args
    const { capability: capabilities } = values
    const options = await signingOf(values)
    return await reported(invocation, authorityId, async () => {
      const request = { authorityId, recognisedId, ...(capabilities && { capabilities }) }
      const { record } = await invocation.registry().unrecognise(request, options)
      await printDocumentChange(invocation, "updated", record)
    })
  },
})

async function reported(
  invocation: Pick<Invocation, "json" | "out" | "err">,
  authorityId: string,
  change: () => Promise<void>,
): Promise<number> {
  try {
    await change()
    return EXIT.done
  } catch (error) {
    await reportError(invocation, errorReportOf(error, { authorityId }))
    return exitCodeOf(error)
  }
}
