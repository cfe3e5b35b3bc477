// Logging in and out, in the same way on every page that needs a person.

/** @import { Me } from "../types/protocol.js" */
import { get, post } from "./api.js";
import { make, makeText } from "./dom.js";
import { t } from "./i18n.js";
import { Refused, errorText } from "./refused.js";
import { useZone } from "./zone.js";

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
      return await finish(await post("/login", {}, { demo }), place);
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

/**
 * The button that leads to the directory, where there is one, and what it said the last time.
 * @param {HTMLElement} element
 */
async function offerDirectory(element) {
  const refused = new URLSearchParams(location.hash.slice(1)).get("directory");
  if (refused) {
    history.replaceState(null, "", location.pathname + location.search);
    makeText("p", "error", t(refused), element).setAttribute("role", "alert");
  }
  const { title } = await get("/directory");
  if (!title) return;
  const link = makeText("a", "button", t("login.directory", { title }), make("p", "", element));
  link.setAttribute("href", `/api/v1/directory/login?page=${encodeURIComponent(location.pathname)}`);
}

/** @param {Me} me @param {HTMLElement} place @returns {Promise<Me>} */
async function finish(me, place) {
  useZone(me.zone);
  if (me.must_change) await changePassword(place);
  if (me.factor === "needed") await setUpFactor(place);
  return { ...me, must_change: false };
}

/**
 * Show a form until what it asks for has been done. Resolves with the answer.
 * @template T
 * @param {HTMLElement} place
 * @param {string} title
 * @param {[string, string, string, AutoFill][]} fields  name, text, type, autocomplete
 * @param {string} button
 * @param {(values: Record<string, string>) => Promise<T>} submit
 * @returns {Promise<T>}
 */
function form(place, title, fields, button, submit) {
  return new Promise((resolve) => {
    const element = make("form", "card", place);
    makeText("h2", "", t(title), element);
    for (const [name, text, type, autocomplete] of fields) {
      const label = make("label", "", element);
      makeText("span", "", t(text), label);
      Object.assign(make("input", "", label), { name, type, autocomplete, required: true });
    }
    makeText("button", "primary", t(button), element);
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
        error.textContent = errorText(reason);
      }
    });
    element.querySelector("input")?.focus();
  });
}

/** @param {HTMLElement} place @returns {Promise<Me>} */
async function ask(place) {
  /** @type {{ name?: string, password?: string }} */
  let given = {};
  const beside = make("div", "card", place);
  await offerDirectory(beside).catch(() => {}); // names and passwords are asked for in any case
  beside.hidden = !beside.hasChildNodes();
  const me = await form(
    place,
    "login.title",
    [
      ["name", "login.name", "text", "username"],
      ["password", "login.password", "password", "current-password"],
    ],
    "login.enter",
    async ({ name, password }) => {
      try {
        return await post("/login", {}, { name, password });
      } catch (error) {
        if (!(error instanceof Refused) || !error.problem?.type.endsWith("account.code_needed")) throw error;
        given = { name, password };
        return null; // right so far: the second factor is asked for
      }
    },
  );
  beside.remove();
  if (me) return me;
  return form(
    place,
    "login.title",
    [["code", "login.code", "text", "one-time-code"]],
    "login.enter",
    ({ code }) => post("/login", {}, { ...given, code }),
  );
}

/**
 * Set up a second factor: the password again, then the first code of the authenticator.
 * @param {HTMLElement} place
 */
export async function setUpFactor(place) {
  const { secret, address } = await form(
    place,
    "login.factor",
    [["password", "login.password", "password", "current-password"]],
    "login.go_on",
    ({ password }) => post("/factor", {}, { password }),
  );
  const card = make("div", "card", place);
  makeText("p", "", t("login.factor_secret"), card);
  makeText("code", "", secret.replace(/(.{4})/g, "$1 "), card);
  const link = makeText("a", "", "otpauth://…", make("p", "", card));
  link.setAttribute("href", address);
  const { codes } = await form(
    place,
    "login.factor",
    [["code", "login.code", "text", "one-time-code"]],
    "login.go_on",
    ({ code }) => post("/factor/confirm", {}, { code }),
  );
  card.replaceChildren();
  makeText("p", "", t("login.factor_done"), card);
  makeText("pre", "", codes.join("\n"), card);
  await form(place, "login.factor", [], "login.go_on", async () => null);
  card.remove();
}

/** @param {HTMLElement} place */
function changePassword(place) {
  return form(
    place,
    "login.change",
    [
      ["old", "login.old", "password", "current-password"],
      ["new", "login.new", "password", "new-password"],
    ],
    "login.save",
    ({ old, new: fresh }) => post("/password", {}, { old, new: fresh }),
  );
}

export async function logout() {
  await post("/logout");
  location.reload();
}
