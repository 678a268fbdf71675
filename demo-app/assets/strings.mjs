/** The texts that the scripts of a page show, in the language of the page. */
export const strings = JSON.parse(document.querySelector('[data-strings]').dataset.strings);
