// Which point this computer is: known from the address, from before, or by a one-time code.

/** @import { Enrolled } from "../types/protocol.js" */
/** @typedef {Pick<Enrolled, "point" | "key">} Identity */
import { post } from "../common/api.js";
import { hosts } from "../common/browser.js";
import { byId } from "../common/dom.js";
import { errorText } from "../common/refused.js";

const NAME_LENGTH = 80; // characters that a device is called by

/** The point and its device key, in the address (#point=…&key=…) or remembered. @returns {Identity | null} */
function known() {
  const given = new URLSearchParams(location.hash.slice(1));
  const point = given.get("point") ?? localStorage.getItem("point");
  const key = given.get("key") ?? localStorage.getItem("key");
  if (given.has("key")) history.replaceState(null, "", location.pathname);
  return point && key ? { point, key } : null;
}

/** The one-time code in the address of a kiosk (#code=…), which its agent has asked for. */
function givenCode() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code) history.replaceState(null, "", location.pathname);
  return code;
}

/** @param {string} code */
const enrol = (code) => post("/enrol", {}, { code, name: navigator.userAgent.slice(0, NAME_LENGTH) });

/**
 * Find out which point this is, asking for a code where nothing else says it.
 * @returns {Promise<Identity>}
 */
export async function identify() {
  const before = known();
  if (before) return remember(before);
  const code = givenCode();
  const error = byId("join-error");
  if (code) {
    try {
      return remember(await enrol(code));
    } catch (reason) {
      error.textContent = errorText(reason);
    }
  }
  return remember(await asked(error));
}

/** Show the form until a code is good. @param {HTMLElement} error @returns {Promise<Identity>} */
function asked(error) {
  const form = /** @type {HTMLFormElement} */ (byId("join"));
  form.hidden = false;
  return new Promise((resolve) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      error.textContent = "";
      try {
        resolve(await enrol(String(new FormData(form).get("code"))));
      } catch (reason) {
        error.textContent = errorText(reason);
      }
    });
  });
}

/** @param {Identity & {hosts?: string[]}} who @returns {Identity} */
function remember({ point, key, hosts: all }) {
  localStorage.setItem("point", point);
  localStorage.setItem("key", key);
  if (all) hosts.learn(all);
  return { point, key };
}

/** The key is good no longer. */
export function forget() {
  localStorage.removeItem("key");
  localStorage.removeItem("point");
}
