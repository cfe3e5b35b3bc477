// Small pictures of a paper's pages, to leaf by. Only those that are in sight are fetched and kept.

/** @import { Paper } from "../types/protocol.js" */
/** @import { Leaf } from "./page_place.js" */
import { make, makeText } from "./dom.js";
import { t } from "./i18n.js";

const WIDTH = 160; // px of a small picture
const AT_ONCE = 2; // that are fetched
const AGAIN = 1500; // ms until one that did not come is asked for again

/** A strip of pages. */
export class PageStrip {
  /**
   * @param {HTMLElement} list  an `ol` that scrolls
   * @param {(address: string) => Promise<Blob>} fetched  gets a page of the paper's address; may throw
   * @param {(page: number) => void} chosen
   */
  constructor(list, fetched, chosen) {
    this.list = list;
    this.fetched = fetched;
    this.chosen = chosen;
    this.of = "";
    this.page = 0;
    /** Pages in sight whose picture is not there. @type {Set<HTMLButtonElement>} */
    this.wanted = new Set();
    this.fetching = 0;
    this.seen = new IntersectionObserver((entries) => this.sighted(entries), { root: list, rootMargin: "50%" });
  }

  /** Show the pages of a paper, where the strip is open. @param {Leaf | null} leaf @param {boolean} open */
  show(leaf, open) {
    this.list.hidden = !open || !leaf;
    const of = leaf && open ? `${leaf.paper.id} ${leaf.paper.version}` : "";
    if (of !== this.of) {
      this.of = of;
      this.page = 0;
      this.seen.disconnect();
      this.wanted.clear();
      this.list.replaceChildren();
      if (leaf && open) for (let page = 1; page <= leaf.paper.pages; page += 1) this.add(leaf.paper, page);
    }
    if (!leaf || !open || leaf.page === this.page) return;
    this.page = leaf.page;
    this.list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const current = this.list.children[leaf.page - 1]?.firstElementChild;
    current?.setAttribute("aria-current", "page");
    current?.scrollIntoView({ block: "nearest", inline: "center" });
  }

  /** @param {Paper} paper @param {number} page */
  add(paper, page) {
    const button = make("button", "", make("li", "", this.list));
    button.dataset.address = `/papers/${encodeURIComponent(paper.id)}/pages/${page}?version=${paper.version}&width=${WIDTH}`;
    button.setAttribute("aria-label", t("paper.page_name", { title: paper.title, page: String(page) }));
    make("canvas", "", button);
    makeText("span", "", String(page), button);
    button.addEventListener("click", () => this.chosen(page));
    this.seen.observe(button);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  sighted(entries) {
    for (const { target, isIntersecting } of entries) {
      const button = /** @type {HTMLButtonElement} */ (target);
      const canvas = /** @type {HTMLCanvasElement} */ (button.firstElementChild);
      if (!isIntersecting) {
        this.wanted.delete(button);
        delete button.dataset.drawn;
        canvas.width = canvas.height = 0;
      } else if (!button.dataset.drawn) this.wanted.add(button);
    }
    this.fetch();
  }

  fetch() {
    for (const button of this.wanted) {
      if (this.fetching >= AT_ONCE) return;
      this.wanted.delete(button);
      this.draw(button);
    }
  }

  /** @param {HTMLButtonElement} button */
  async draw(button) {
    this.fetching += 1;
    try {
      const picture = await createImageBitmap(await this.fetched(button.dataset.address ?? ""), { resizeWidth: WIDTH });
      const canvas = /** @type {HTMLCanvasElement} */ (button.firstElementChild);
      [canvas.width, canvas.height] = [picture.width, picture.height];
      canvas.getContext("2d")?.drawImage(picture, 0, 0);
      picture.close();
      button.dataset.drawn = "";
    } catch {
      window.setTimeout(() => {
        if (!button.isConnected) return;
        this.seen.unobserve(button);
        this.seen.observe(button); // says anew whether it is in sight
      }, AGAIN);
    } finally {
      this.fetching -= 1;
      this.fetch();
    }
  }
}
