// Mends what the theme and docutils leave in the page and axe-core objects to.
document.addEventListener("DOMContentLoaded", () => {
  const all = (selector, change) => document.querySelectorAll(selector).forEach(change);
  // A role that the list does not fulfil, and one that is no longer allowed
  all('.citation-list[role="list"], [role="doc-biblioentry"]', e => e.removeAttribute("role"));
  // The visible words are the name
  all('button.search-button-field, details > summary[aria-label]', e => e.removeAttribute("aria-label"));
  // The logo belongs to a landmark
  all('.sidebar-primary-item > .navbar-brand', e => {
    e.parentElement.setAttribute("role", "navigation");
    e.parentElement.setAttribute("aria-label", "Home");
  });
  // The corner of a pandas table heads nothing
  all('table.dataframe th:empty', e => e.replaceWith(document.createElement("td")));
});
