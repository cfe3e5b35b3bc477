// What to try where picture and sound do not get through although the bridge answers. Pure.

const TRIES = 2; // connections that failed before anything is said: one may be an accident

/** Whether an address is that of this very computer. @param {string} host  as in `location` */
export const isLoopback = (host) => host === "localhost" || host.startsWith("127.") || host === "[::1]";

/**
 * What a page says after its connections for media have failed, as a key of the catalogue; "" as long
 * as the next one may well succeed.
 * @param {number} failures  in a row, without one that succeeded
 * @param {{userAgent: string, host: string}} where  the browser's name for itself, the bridge's address
 */
export function blockedKey(failures, { userAgent, host }) {
  if (failures < TRIES) return "";
  if (!isLoopback(host)) return "media.blocked";
  // It makes no media connection over loopback.
  return userAgent.includes("Firefox/") ? "media.blocked_firefox" : "media.blocked_local";
}
