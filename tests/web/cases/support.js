// What the cases share: a clock that only moves when told to, a bridge that answers by hand, and
// the catalogue of a language.

import { readFileSync } from "node:fs";
import { speak } from "../../../bridge/web/common/i18n.js";

/** Speak a language of the product. @param {"vi" | "en"} language */
export function useLanguage(language) {
  const file = new URL(`../../../bridge/web/common/${language}.json`, import.meta.url);
  speak(language, JSON.parse(readFileSync(file, "utf-8")));
}

/** Timers in order of time; `pass` runs those that are due. */
export class FakeClock {
  constructor() {
    this.time = 1000; // s
    this.next = 1;
    /** @type {Map<number, {at: number, work: () => void}>} */
    this.timers = new Map();
  }

  /** @param {() => void} work @param {number} seconds */
  later(work, seconds) {
    this.timers.set(this.next, { at: this.time + seconds, work });
    return this.next++;
  }

  /** @param {number} timer */
  cancel(timer) {
    this.timers.delete(timer);
  }

  /** Let time pass, and promises settle after each timer. @param {number} seconds */
  async pass(seconds) {
    const end = this.time + seconds;
    await settled();
    for (;;) {
      const due = [...this.timers].filter(([, t]) => t.at <= end + 1e-9).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.time = due[1].at;
      due[1].work();
      await settled();
    }
    this.time = end;
  }
}

/** Let everything run that waits for no timer. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A network with a bridge behind it, which does what a case says. */
export class FakeNetwork {
  constructor() {
    this.clock = new FakeClock();
    /** Sockets in the order in which they were opened. @type {FakeSocket[]} */
    this.sockets = [];
    /** @type {{path: string, body: string, type: string, token: string}[]} */
    this.posts = [];
    /** What was said about hosts. @type {(readonly string[])[]} */
    this.learnt = [];
    /** What a post is answered; a function may throw. @type {(path: string) => string} */
    this.answer = () => JSON.stringify({ session: `session-${this.posts.length}` });
    /** @type {import("../../../bridge/web/common/protocol.js").Environment} */
    this.environment = {
      open: (events) => {
        const socket = new FakeSocket(events);
        this.sockets.push(socket);
        return socket;
      },
      post: async (path, body, type, token) => {
        this.posts.push({ path, body, type, token });
        return this.answer(path);
      },
      hosts: {
        several: false,
        follow: async () => false,
        learn: (hosts) => this.learnt.push(hosts),
      },
      now: () => this.clock.time,
      later: (work, seconds) => this.clock.later(work, seconds),
      cancel: (timer) => this.clock.cancel(timer),
    };
  }

  get last() {
    return /** @type {FakeSocket} */ (this.sockets.at(-1));
  }
}

/** The bridge's end of a WebSocket. */
export class FakeSocket {
  /** @param {import("../../../bridge/web/common/protocol.js").SocketEvents} events */
  constructor(events) {
    this.events = events;
    this.readyState = 0;
    this.closedByPage = false;
    /** @type {any[]} */
    this.sent = [];
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closedByPage = true;
    this.readyState = 2;
  }

  accept() {
    this.readyState = 1;
    this.events.opened();
  }

  /** @param {object} message */
  say(message) {
    this.events.received(JSON.stringify(message));
  }

  /** @param {number} code */
  drop(code) {
    this.readyState = 3;
    this.events.closed(code);
  }
}
