// Pages of tiles, where there are more points than small pictures that this page may receive.

/** @import { PageState } from "./state.js" */
import { make, makeText, setText } from "./dom.js";
import { t } from "./i18n.js";

/** Two buttons and the number of the page; hidden where one page holds everybody. */
export class Pager {
  /** @param {(page: number) => void} turn  asks the bridge for another page of points */
  constructor(turn) {
    this.page = 0;
    this.root = make("div", "pager");
    this.root.setAttribute("role", "group");
    this.root.hidden = true;
    this.before = makeText("button", "", "‹", this.root);
    this.place = make("span", "", this.root);
    this.after = makeText("button", "", "›", this.root);
    this.before.addEventListener("click", () => turn(this.page - 1));
    this.after.addEventListener("click", () => turn(this.page + 1));
  }

  /** @param {PageState} state */
  render({ page, pages }) {
    this.page = page;
    this.root.hidden = pages <= 1;
    if (this.root.hidden) return;
    this.root.setAttribute("aria-label", t("pager.label"));
    this.before.setAttribute("aria-label", t("pager.before"));
    this.after.setAttribute("aria-label", t("pager.after"));
    this.before.disabled = page <= 0;
    this.after.disabled = page >= pages - 1;
    setText(this.place, t("pager.place", { page: String(page + 1), pages: String(pages) }));
  }
}
