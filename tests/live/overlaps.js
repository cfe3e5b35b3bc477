// What is wrong with the layout of the console: what lies over something else, sticks out at the
// right, or is cut; and on how many lines the header and the buttons stand.
() => {
  const box = (element) => element.getBoundingClientRect();
  const all = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility());
  const name = (element) => element.id || element.dataset.point || element.dataset.action || element.className;
  const meet = (one, other, slack) => {
    const a = box(one), b = box(other);
    return Math.min(a.right, b.right) - Math.max(a.left, b.left) > slack
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > slack;
  };
  const shown = all("header > *, #bar > *, .monitor, #tiles > *, #side > *").filter((e) => box(e).width > 2);
  const over = [];
  for (const [n, one] of shown.entries()) {
    for (const other of shown.slice(n + 1)) if (meet(one, other, 1.5)) over.push(`${name(one)} / ${name(other)}`);
  }
  const outside = shown.filter((e) => box(e).right > innerWidth + 1).map(name);
  const cut = all("#tiles .name").filter((e) => {
    const strip = box(e.closest(".strip"));
    return box(e).bottom > strip.bottom + 1 || box(e).right > strip.right + 1;
  }).map((e) => e.dataset.mark);
  const covered = all("#tiles .shot").filter((e) => meet(e, e.nextElementSibling, 1)).length;
  const middles = all("header > *").filter((e) => box(e).width > 2).map((e) => (box(e).top + box(e).bottom) / 2);
  const bar = new Set(all("#bar > *").map((e) => Math.round(box(e).top)));
  return {
    over, outside, cut, covered,
    wide: Math.max(0, document.documentElement.scrollWidth - innerWidth),
    rows: { header: Math.max(...middles) - Math.min(...middles) > 12 ? 2 : 1, bar: bar.size },
  };
}
