/** What the scripts of a page say themselves, in the language of the page. */
export const words = JSON.parse(document.querySelector('[data-words]').dataset.words);
