/** A list in pages: iterate it for all of its items, page after page. Nothing is requested before that. */
export interface Paged<Page, Item> extends AsyncIterable<Item> {
  /** The pages, from the request's page_token on; each is a call of its own, with its own deadline. */
  pages(): AsyncIterable<Page>
  /** The one page that the request asks for. */
  page(): Promise<Page>
}

/**
 * A list over an RPC that returns pages.
 *
 * @param call requests one page
 * @param request requests the first page that is wanted
 * @param itemsOf the items of a page
 * @param following what the requests for later pages change besides their page_token
 */
export function paged<Request extends object, Page extends { nextPageToken: string }, Item>(
  call: (request: Request) => Promise<Page>,
  request: Request,
  itemsOf: (page: Page) => Iterable<Item>,
  following: Partial<Request> = {},
): Paged<Page, Item> {
  async function* pages() {
    let page = await call(request)
    yield page
    while (page.nextPageToken !== "") {
      page = await call({ ...request, ...following, pageToken: page.nextPageToken })
      yield page
    }
  }
  return {
    pages,
    page: () => call(request),
    async *[Symbol.asyncIterator]() {
      for await (const page of pages()) yield* itemsOf(page)
    },
  }
}
