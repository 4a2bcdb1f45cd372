"""Whether axe finds anything on a page."""

ALIKE = """() => {
  const chains = new Map(), seen = new Map();
  const place = /^(id|href|d|[xy]\\d?|for|title)$/;
  const own = (one) => [one.localName, ...one.getAttributeNames().filter((name) => !place.test(name))
    .map((name) => name + "=" + one.getAttribute(name))].join(" ");
  const chain = (one) => {
    if (!chains.has(one)) chains.set(one, (one.parentElement ? chain(one.parentElement) : "") + ">" + own(one));
    return chains.get(one);
  };
  for (const one of document.body.querySelectorAll("*")) {
    if (one.parentElement.closest("[data-alike]")) continue;
    const name = [chain(one), ...[...one.querySelectorAll("*")].map(own)].join("|");
    seen.set(name, (seen.get(name) ?? 0) + 1);
    if (seen.get(name) > 2) one.dataset.alike = "";
  }
}"""
"""Marks what stands there more than twice: the same elements, attributes and descendants under the same ancestors."""


def violations(page, where="body"):
    """What axe finds on a page or in a part of it, in words; empty if nothing.

    Contrast takes most of the time and is the same where styles are the same, so it is measured once or twice of each.
    """
    from axe_playwright_python.sync_playwright import Axe

    how = {"resultTypes": ["violations"], "preload": False}
    rest = Axe().run(page, context=where, options=how | {"rules": {"color-contrast": {"enabled": False}}})
    page.evaluate(ALIKE)
    different = {"include": [[where]], "exclude": [["[data-alike]"]]}
    contrast = Axe().run(page, context=different, options=how | {"runOnly": ["color-contrast"]})
    page.evaluate("() => document.querySelectorAll('[data-alike]').forEach((one) => delete one.dataset.alike)")
    return "\n".join(found.generate_report() for found in (rest, contrast) if found.violations_count)
