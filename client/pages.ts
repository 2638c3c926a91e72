/** A list in pages: iterate it for all of its items, page after page. Nothing is asked for before that. */
export interface Paged<Page, Item> extends AsyncIterable<Item> {
  /** Page after page, from the request's page_token on; each is a call of its own, with its own deadline. */
  pages(): AsyncIterable<Page>
  /** The one page that the request asks for. */
  page(): Promise<Page>
}

/**
 * A list over an RPC that answers pages.
 *
 * @param page asks for the page that a token stands for; without a token, for the first that is wanted
 * @param itemsOf the items of a page
 */
export function paged<Page extends { nextPageToken: string }, Item>(
  page: (pageToken?: string) => Promise<Page>,
  itemsOf: (page: Page) => Iterable<Item>,
): Paged<Page, Item> {
  const pages = () => pagesOf(page)
  return {
    pages,
    page: () => page(),
    async *[Symbol.asyncIterator]() {
      for await (const answer of pages()) yield* itemsOf(answer)
    },
  }
}

async function* pagesOf<Page extends { nextPageToken: string }>(
  page: (pageToken?: string) => Promise<Page>,
): AsyncGenerator<Page> {
  let answer = await page()
  yield answer
  while (answer.nextPageToken !== "") {
    answer = await page(answer.nextPageToken)
    yield answer
  }
}
