// Time and network of the browser, for a Connection.

/** @import { Environment } from "./protocol.js" */
import { Refused } from "./refused.js";

const ANSWER_TIMEOUT = 8000; // ms for an HTTP request on a network that may be gone

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
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT);
    const response = await fetch(path, { method: "POST", body, headers, signal });
    if (!response.ok) throw new Refused(response.status, await response.json().catch(() => null));
    return response.text();
  },
  now: () => Date.now() / 1000,
  later: (work, seconds) => window.setTimeout(work, seconds * 1000),
  cancel: (timer) => window.clearTimeout(timer),
};
