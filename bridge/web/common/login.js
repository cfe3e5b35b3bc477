// Logging in: every page of people asks for it in the same way.

import { post, get } from "./api.js";
import { problemText, t } from "./i18n.js";
import { make } from "./tiles.js";
import { Refused } from "./protocol.js";

/**
 * @typedef {{user: string, role: string, rights: string[], must_change: boolean,
 *   points: string[], calendar: string}} Me
 */

/**
 * Resolve with who is logged in, asking where nobody is. `#demo=KEY` in the address logs the
 * demo's operator in.
 * @param {HTMLElement} place  where the form goes
 * @returns {Promise<Me>}
 */
export async function whoami(place) {
  const demo = new URLSearchParams(location.hash.slice(1)).get("demo");
  if (demo) {
    history.replaceState(null, "", location.pathname + location.search);
    try {
      return await finish(await post("/login", { demo }), place);
    } catch {
      // an old address: ask
    }
  }
  try {
    return await finish(await get("/me"), place);
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
  }
  return finish(await ask(place), place);
}

/** @param {Me} me @param {HTMLElement} place @returns {Promise<Me>} */
async function finish(me, place) {
  if (me.must_change) await changePassword(place);
  return me.must_change ? { ...me, must_change: false } : me;
}

/**
 * @param {HTMLElement} place
 * @param {string} title
 * @param {[string, string, string, string][]} fields  name, text, type, autocomplete
 * @param {string} button
 * @param {(values: Record<string, string>) => Promise<any>} submit
 * @returns {Promise<any>}
 */
export function form(place, title, fields, button, submit) {
  return new Promise((resolve) => {
    const element = /** @type {HTMLFormElement} */ (make("form", "card", place));
    make("h2", "", element).textContent = t(title);
    for (const [name, text, type, autocomplete] of fields) {
      const label = make("label", "", element);
      make("span", "", label).textContent = t(text);
      const input = /** @type {HTMLInputElement} */ (make("input", "", label));
      Object.assign(input, { name, type, autocomplete, required: true });
    }
    make("button", "primary", element).textContent = t(button);
    const error = make("p", "error", element);
    error.setAttribute("role", "alert");
    element.addEventListener("submit", async (event) => {
      event.preventDefault();
      error.textContent = "";
      const values = Object.fromEntries(
        [...new FormData(element)].map(([name, value]) => [name, String(value)]),
      );
      try {
        const answer = await submit(values);
        element.remove();
        resolve(answer);
      } catch (reason) {
        error.textContent = reason instanceof Refused ? problemText(reason.problem) : t("page.no_answer");
      }
    });
    /** @type {HTMLElement | null} */ (element.querySelector("input"))?.focus();
  });
}

/** @param {HTMLElement} place @returns {Promise<Me>} */
function ask(place) {
  return form(
    place,
    "login.title",
    [
      ["name", "login.name", "text", "username"],
      ["password", "login.password", "password", "current-password"],
    ],
    "login.enter",
    (values) => post("/login", values),
  );
}

/** @param {HTMLElement} place */
export function changePassword(place) {
  return form(
    place,
    "login.change",
    [
      ["old", "login.old", "password", "current-password"],
      ["new", "login.new", "password", "new-password"],
    ],
    "login.save",
    (values) => post("/password", values),
  );
}

export async function logout() {
  await post("/logout");
  location.reload();
}
