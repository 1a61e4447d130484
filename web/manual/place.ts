// Marks in the list on the right the section that is being read.

/** A heading counts once it is this near the top. */
const READING_LINE_PX = 120;

export function watchPlace(): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>('.toc a')];
  const sections = links.flatMap((link) => {
    const heading = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    return heading ? [{ link, heading }] : [];
  });
  if (sections.length === 0) return;
  const mark = () => {
    const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
    const passed = sections.filter(
      ({ heading }) => heading.getBoundingClientRect().top < READING_LINE_PX,
    );
    const asked = sections.find(({ link }) => link.hash === location.hash);
    // At the end of the page the last sections cannot come up to the line.
    const current = (end ? (asked ?? sections.at(-1)) : passed.at(-1)) ?? sections[0];
    for (const { link } of sections) link.ariaCurrent = link === current?.link ? 'location' : null;
    keepInSight(current?.link);
  };
  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      mark();
    });
  };
  addEventListener('scroll', later, { passive: true });
  addEventListener('resize', later);
  addEventListener('hashchange', later);
  mark();
}

/** The list itself may be longer than the window. */
function keepInSight(link: HTMLElement | undefined): void {
  const list = link?.closest('.toc');
  if (!link || !list) return;
  const [inner, outer] = [link.getBoundingClientRect(), list.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom)
    list.scrollTop += inner.top - outer.top - outer.height / 2;
}
