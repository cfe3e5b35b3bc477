// Time and network of the browser, for a Connection.

/** @import { Environment } from "./protocol.js" */
import { Hosts } from "./hosts.js";
import { accepted } from "./refused.js";
import { timers } from "./vigil.js";

/** Milliseconds for an HTTP request on a network that may be gone; longer after each that was not answered. */
const PATIENCE = { shortest: 8000, longest: 32000 };
const LOOK = 3000; // ms that a host may take to say whether it leads
const NO_WORKER = "/problems/http.no_worker";
let patience = PATIENCE.shortest;

/** Whether a host leads: one without a media worker does, too. @param {string} host */
async function leads(host) {
  const response = await fetch(`${host}/healthz`, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(LOOK) });
  return response.ok || (await response.json()).type === NO_WORKER;
}

/** What is remembered between two loads of the page. @returns {Pick<Storage, "getItem" | "setItem">} */
function memory() {
  try {
    return localStorage;
  } catch {
    return { getItem: () => null, setItem() {} }; // a browser that is told to keep nothing
  }
}

/** The hosts of this page's bridge. */
export const hosts = new Hosts(globalThis.location?.origin ?? "", { leads, ...timers }, memory());

/** @type {Environment} */
export const browser = {
  open({ opened, received, closed }) {
    const socket = new WebSocket(hosts.socketAddress("/api/v1/ws"));
    socket.onopen = opened;
    socket.onmessage = (event) => received(event.data);
    socket.onclose = (event) => closed(event.code);
    return socket;
  },
  async post(path, body, type, token) {
    /** @type {Record<string, string>} */
    const headers = { "Content-Type": type };
    if (token) headers.Authorization = `Bearer ${token}`;
    const signal = AbortSignal.timeout(patience);
    patience = Math.min(2 * patience, PATIENCE.longest);
    const response = await fetch(hosts.address(path), { method: "POST", body, headers, signal });
    patience = PATIENCE.shortest;
    return (await accepted(response)).text();
  },
  hosts,
  now: () => performance.now() / 1000,
  later: (work, seconds) => window.setTimeout(work, seconds * 1000),
  cancel: (timer) => window.clearTimeout(timer),
};
