// Which host of the bridge a page talks to. There may be several, one of which leads: all of them are
// asked at once, and whoever leads is followed. Knows no DOM; time and network are passed in.

const AGAIN = 0.3; // seconds until a host that does not lead is asked again
const LIMIT = 4; // seconds until looking is given up for now
const MOST = 8; // hosts
const KEPT = "hosts"; // the name under which they are remembered

/**
 * @typedef {object} Network
 * @property {(host: string) => Promise<boolean>} leads  whether a host leads; may throw
 * @property {(work: () => void, seconds: number) => number} later
 * @property {(timer: number) => void} cancel
 *
 * @typedef {Pick<Storage, "getItem" | "setItem">} Memory
 */

/**
 * The first of several hosts that says that it leads; null where none does for so many seconds. One
 * that does not answer keeps nobody waiting.
 * @param {readonly string[]} hosts
 * @param {Network} network
 * @returns {Promise<string | null>}
 */
export function seek(hosts, { leads, later, cancel }) {
  return new Promise((resolve) => {
    let over = false;
    /** @type {Map<string, number>} */
    const timers = new Map();
    /** @param {string | null} found */
    const end = (found) => {
      if (over) return;
      over = true;
      cancel(limit);
      for (const timer of timers.values()) cancel(timer);
      resolve(found);
    };
    const limit = later(() => end(null), LIMIT);
    /** @param {string} host */
    const ask = async (host) => {
      const yes = await leads(host).catch(() => false);
      if (yes) end(host);
      else if (!over) timers.set(host, later(() => ask(host), AGAIN));
    };
    for (const host of hosts) ask(host);
  });
}

/**
 * Addresses of hosts out of what was kept; none where that is something else.
 * @param {string | null} text
 * @returns {string[]}
 */
export function hostsOf(text) {
  try {
    const found = JSON.parse(text ?? "[]");
    if (!Array.isArray(found)) return [];
    return found.filter((host) => typeof host === "string" && /^https?:\/\/[^/?#@\s]+$/.test(host)).slice(0, MOST);
  } catch {
    return [];
  }
}

/** The hosts that a page knows, and the one that it follows. */
export class Hosts {
  /** @param {string} own  where the page came from @param {Network} network @param {Memory} memory */
  constructor(own, network, memory) {
    this.own = own;
    this.network = network;
    this.memory = memory;
    this.all = this.usable(hostsOf(memory.getItem(KEPT)));
    this.followed = own;
    /** @type {Promise<boolean> | null} */
    this.looking = null;
  }

  /** A page whose own host is not among them is answered by no other. @param {readonly string[]} hosts */
  usable(hosts) {
    return hosts.length > 1 && hosts.includes(this.own) ? [...hosts] : [];
  }

  /** Whether there is another host to go to. */
  get several() {
    return this.all.length > 1;
  }

  /** Whether another host than the page's own is followed. */
  get abroad() {
    return this.followed !== this.own;
  }

  /** Where a path is now; of the own host as it is. @param {string} path */
  address(path) {
    return this.abroad ? `${this.followed}${path}` : path;
  }

  /** The address of a WebSocket. @param {string} path */
  socketAddress(path) {
    return `${this.followed.replace(/^http/, "ws")}${path}`;
  }

  /** A host has said which ones there are. @param {readonly string[]} hosts */
  learn(hosts) {
    const all = this.usable(hosts);
    if (JSON.stringify(all) === JSON.stringify(this.all)) return;
    this.all = all;
    try {
      this.memory.setItem(KEPT, JSON.stringify(all));
    } catch {
      // a browser that keeps nothing: known until the page is loaded anew
    }
  }

  /** Find out who leads; whether that is another host than before. @returns {Promise<boolean>} */
  follow() {
    if (!this.several) return Promise.resolve(false);
    this.looking ??= this.find().finally(() => (this.looking = null));
    return this.looking;
  }

  async find() {
    const found = await seek(this.all, this.network);
    if (found === null || found === this.followed) return false;
    this.followed = found;
    return true;
  }
}
