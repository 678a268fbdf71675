/** For every page: a page of a signed-in person that the Back button brings back from memory is loaded again. */
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
