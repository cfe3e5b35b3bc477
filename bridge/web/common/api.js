// Calls of the REST interface (docs/api.md). The login is in a cookie that scripts cannot read.

import { Refused } from "./protocol.js";

const TIMEOUT = 30000; // ms

/**
 * @param {string} method
 * @param {string} path  below /api/v1
 * @param {any} [body]
 * @param {Record<string, string>} [headers]
 */
export async function call(method, path, body, headers = {}) {
  const response = await fetch(`/api/v1${path}`, {
    method,
    body: body === undefined ? undefined : body instanceof Blob ? body : JSON.stringify(body),
    headers: { ...(body instanceof Blob ? {} : { "Content-Type": "application/json" }), ...headers },
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => null));
  return response;
}

/** @param {string} path */
export const get = async (path) => (await call("GET", path)).json();

/** @param {string} path @param {any} [body] */
export async function post(path, body = {}) {
  const response = await call("POST", path, body);
  return response.status === 204 ? null : response.json();
}
