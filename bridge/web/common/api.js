// Calls of the REST interface (docs/api.md) by method and path; bodies and answers have the types
// of the table of routes. The login is in a cookie that scripts cannot read, and that another host of
// the bridge does not get: there a page shows its session instead.

/** @import { Delete, Get, Patch, Post, Put } from "../types/protocol.js" */
import { hosts } from "./browser.js";
import { accepted } from "./refused.js";

const TIMEOUT = 30000; // ms
const BASE = "/api/v1";

/**
 * @typedef {Record<string, string | number | boolean | undefined>} Values  fill the places of a
 *   path, as {id}; the others become the query
 */

/** @template {keyof Get & string} P @param {P} path @param {Values} [values] @returns {Promise<Get[P]["answer"]>} */
export const get = async (path, values) => answer(await call("GET", path, values));

/**
 * @template {keyof Post & string} P
 * @param {P} path
 * @param {Values} [values]
 * @param {Post[P]["body"]} [body]
 * @returns {Promise<Post[P]["answer"]>}
 */
export const post = async (path, values, body) => answer(await call("POST", path, values, body));

/**
 * @template {keyof Patch & string} P
 * @param {P} path
 * @param {Values} values
 * @param {Patch[P]["body"]} body
 * @returns {Promise<Patch[P]["answer"]>}
 */
export const patch = async (path, values, body) => answer(await call("PATCH", path, values, body));

/**
 * Put a thing in its place; `tag` is the ETag of what it replaces, "" where it is new.
 * @template {keyof Put & string} P
 * @param {P} path
 * @param {Values} values
 * @param {Put[P]["body"]} body
 * @param {string} [tag]
 * @returns {Promise<Put[P]["answer"]>}
 */
export const put = async (path, values, body, tag = "") =>
  answer(await call("PUT", path, values, body, tag));

/**
 * @param {keyof Delete & string} path
 * @param {Values} values
 * @param {string} [tag]  ETag of what is removed, where the path wants one
 */
export const remove = async (path, values, tag = "") => {
  await call("DELETE", path, values, undefined, tag);
};

/**
 * An answer together with its ETag, which a later `put` or `remove` must name.
 * @template {keyof Get & string} P
 * @param {P} path
 * @param {Values} [values]
 * @returns {Promise<{answer: Get[P]["answer"], tag: string}>}
 */
export async function getTagged(path, values) {
  const response = await call("GET", path, values);
  return { answer: await answer(response), tag: response.headers.get("ETag") ?? "" };
}

let session = () => "";

/** How this page's session is found, for hosts that get no cookie. @param {() => string} found */
export function speakWith(found) {
  session = found;
}

/**
 * The answer of the host that leads.
 * @param {string} address
 * @param {Omit<RequestInit, "headers"> & {headers?: Record<string, string>}} options
 */
export async function send(address, options) {
  /** @type {Record<string, string>} */
  const headers = { ...options.headers };
  if (hosts.abroad) headers.Authorization = `Bearer ${session()}`;
  return accepted(await fetch(hosts.address(address), { ...options, headers }));
}

/** @param {Response} response */
const answer = async (response) => (response.status === 204 ? null : response.json());

/**
 * The address of a path with its places filled. Pure.
 * @param {string} path
 * @param {Values} values
 */
export function addressOf(path, values) {
  const left = { ...values };
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => {
    delete left[name];
    return encodeURIComponent(String(values[name]));
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(left)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return `${BASE}${filled}${query.size ? `?${query}` : ""}`;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Values} [values]
 * @param {unknown} [body]
 * @param {string} [tag]
 */
async function call(method, path, values = {}, body = undefined, tag = "") {
  const raw = body instanceof Blob ? body : null;
  /** @type {Record<string, string>} */
  const headers = raw ? {} : { "Content-Type": "application/json" };
  if (tag) headers["If-Match"] = tag;
  if (method === "POST" && body === undefined) body = {};
  return send(addressOf(path, values), {
    method,
    body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
    headers,
    signal: AbortSignal.timeout(TIMEOUT),
  });
}
