/**
 * Page after page of a list; each is a call of its own, with its own deadline.
 *
 * @param page asks for the page that a token stands for; without a token, for the first that is wanted
 */
export async function* pagesOf<Page extends { nextPageToken: string }>(
  page: (pageToken?: string) => Promise<Page>,
): AsyncGenerator<Page> {
  let answer = await page()
  yield answer
  while (answer.nextPageToken !== "") {
    answer = await page(answer.nextPageToken)
    yield answer
  }
}
