// Calls of the REST interface (docs/api.md) by a page without a login: with its session, or with another
// secret that stands for it; "" has none.

import { hosts } from "./browser.js";
import { accepted } from "./refused.js";

const PATIENCE = 20000; // ms

/**
 * The bridge's answer; throws `Refused` where it is none, and what `fetch` throws. A Blob is sent as it is,
 * anything else as JSON.
 * @param {string} session
 * @param {string} path
 * @param {{method?: string, body?: unknown, patience?: number}} [options]  `patience` in ms
 */
export async function sessionCall(session, path, { method = "GET", body, patience = PATIENCE } = {}) {
  const raw = body instanceof Blob ? body : null;
  return accepted(await fetch(hosts.address(`/api/v1${path}`), {
    method,
    body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
    headers: {
      ...(session && { Authorization: `Bearer ${session}` }),
      ...(body === undefined || raw ? {} : { "Content-Type": "application/json" }),
    },
    signal: AbortSignal.timeout(patience),
  }));
}
