import { expect } from "chai"
import { uploadOf } from "../../client/upload.js"

describe("an upload", () => {
  it("goes on behind an item that has its result before it was sent", async () => {
    const upload = uploadOf([1, 2, 3], async (item) => item, 10)
    const items = upload.items(new AbortController().signal)
    expect((await items.next()).value).to.equal(1)
    const next = items.next()
    await upload.added()
    expect([upload.shift(), upload.shift()]).to.deep.equal([1, 2])
    expect((await next).value).to.equal(3)
    expect((await items.next()).done).to.equal(true)
  })
})
