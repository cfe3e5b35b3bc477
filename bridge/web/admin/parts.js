// What the sections of the admin's page are made of: tables, buttons, and doing something with a
// word on what came of it.

import { confirmed } from "../common/dialog.js";
import { byId, make, makeHeader, makeText } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { errorText } from "../common/refused.js";

/** @typedef {() => Promise<unknown>} Work  may resolve with a sentence that says what was done */

let reload = async () => {};

/** What is loaded again after something was done. @param {() => Promise<void>} load */
export function afterwards(load) {
  reload = load;
}

/** Do something, say what came of it, and load the page's figures again. @param {Work} work */
export async function attempt(work) {
  byId("error").textContent = "";
  byId("done").textContent = "";
  try {
    const text = await work();
    byId("done").textContent = typeof text === "string" ? text : t("admin.done");
    await reload();
  } catch (error) {
    byId("error").textContent = errorText(error);
    byId("error").scrollIntoView({ block: "nearest" });
  }
}

/**
 * Fill a table.
 * @param {string} id
 * @param {string[]} columns  keys of their headers
 * @param {(string | HTMLElement)[][]} rows
 */
export function table(id, columns, rows) {
  const root = byId(id);
  root.replaceChildren();
  const head = make("tr", "", make("thead", "", root));
  for (const column of columns) makeHeader(t(column), "col", head);
  const body = make("tbody", "", root);
  for (const row of rows) {
    const line = make("tr", "", body);
    for (const value of row) make("td", "", line).append(value);
  }
}

/**
 * A button that does something, after a question where one is given.
 * @param {string} text  key
 * @param {Work} work
 * @param {string} [question]
 */
export function button(text, work, question) {
  const element = makeText("button", "", t(text));
  element.addEventListener("click", async () => {
    if (!question || (await confirmed(question, t(text)))) attempt(work);
  });
  return element;
}

/** Elements side by side. @param {HTMLElement[]} items */
export function row(...items) {
  const element = make("div", "row");
  element.append(...items);
  return element;
}
