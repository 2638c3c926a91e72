/** A list in pages: iterate it for all items, page by page. Nothing is requested before that. */
export interface Paged<Page, Item> extends AsyncIterable<Item> {
  /** The pages, from the request's page_token on. Each is a call with its own deadline. */
  pages(): AsyncIterable<Page>
  /** The one page of the request. */
  page(): Promise<Page>
}

/**
 * Returns a list that calls an RPC for its pages.
 *
 * @param call requests one page
 * @param request the request for the first page
 * @param itemsOf returns the items of a page
 * @param following what requests for later pages change besides page_token
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
