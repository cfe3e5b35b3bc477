// Time and network of the browser, for a Connection.

/** @import { Environment } from "./protocol.js" */
import { accepted } from "./refused.js";

/** Milliseconds for an HTTP request on a network that may be gone; longer after each that was not answered. */
const PATIENCE = { shortest: 8000, longest: 32000 };
let patience = PATIENCE.shortest;

/** @type {Environment} */
export const browser = {
  open({ opened, received, closed }) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/ws`);
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
    const response = await fetch(path, { method: "POST", body, headers, signal });
    patience = PATIENCE.shortest;
    return (await accepted(response)).text();
  },
  now: () => performance.now() / 1000,
  later: (work, seconds) => window.setTimeout(work, seconds * 1000),
  cancel: (timer) => window.clearTimeout(timer),
};
