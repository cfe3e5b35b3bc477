// The connection to the bridge: session, WebSocket, resumption. Knows no DOM.

/** Seconds until the next try; the last value repeats. */
export const RETRY = [0, 0.3, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 2, 5];
const ANSWER_TIMEOUT = 8000; // ms for an HTTP request on a network that may be gone
const SILENCE_LIMIT = 12000; // ms without any message until the connection counts as dead
const VERSION = 2;
const CLOSE_REVOKED = 4403;
const CLOSE_TAKEN_OVER = 4409;
const CLOSE_UNKNOWN_SESSION = 4401;

/** The bridge refused with a document; `status` is the HTTP status. */
export class Refused extends Error {
  /** @param {number} status @param {any} problem */
  constructor(status, problem) {
    super(problem?.detail ?? problem?.title ?? String(status));
    this.status = status;
    this.problem = problem;
  }
}

/**
 * @typedef {"connecting" | "up" | "down" | "wrong_key" | "busy" | "ended"} Status
 * @typedef {object} Handlers
 * @property {(message: any) => void} message  every message of the bridge
 * @property {(status: Status, problem?: any) => void} status
 */

export class Connection {
  /**
   * @param {object} identity  what opens a session: {point, key} or {kind}
   * @param {Handlers} handlers
   */
  constructor(identity, handlers) {
    this.identity = identity;
    this.handlers = handlers;
    this.session = "";
    this.conference = "";
    this.lastSeq = 0;
    this.tries = 0;
    this.over = false;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.timer = 0;
    this.lastHeard = 0;
    this.nextId = 1;
    /** @type {Map<number, (result: any) => void>} */
    this.waiting = new Map();
    globalThis.addEventListener("online", () => this.retryNow());
    setInterval(() => this.watch(), 1000);
  }

  start() {
    this.retryNow();
  }

  /** Try at once instead of waiting for the next turn. */
  retryNow() {
    if (this.over || this.socket) return;
    clearTimeout(this.timer);
    this.connect();
  }

  scheduleRetry() {
    if (this.over) return;
    const delay = RETRY[Math.min(this.tries, RETRY.length - 1)];
    this.tries += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), delay * 1000);
  }

  async connect() {
    if (this.socket || this.over) return;
    this.handlers.status("connecting");
    try {
      if (!this.session) await this.login();
    } catch (error) {
      const status = error instanceof Refused ? error.status : 0;
      const problem = error instanceof Refused ? error.problem : null;
      this.handlers.status(
        status === 401 || status === 403 ? "wrong_key" : status === 409 ? "busy" : "down",
        problem,
      );
      this.scheduleRetry();
      return;
    }
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/ws`);
    this.socket = socket;
    this.lastHeard = Date.now();
    socket.onopen = () => {
      this.send({
        type: "hello",
        version: VERSION,
        session: this.session,
        conference: this.conference,
        last_seq: this.lastSeq,
      });
    };
    socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    socket.onclose = (event) => this.closed(socket, event.code);
  }

  async login() {
    const answer = await this.post("/api/v1/sessions", JSON.stringify(this.identity), "application/json");
    this.session = (await answer.json()).session;
  }

  /** @param {any} message */
  receive(message) {
    this.lastHeard = Date.now();
    if (message.type === "welcome") {
      this.tries = 0;
      this.handlers.status("up");
    } else if (message.type === "events") {
      if (message.reset || message.conference !== this.conference) this.lastSeq = 0;
      this.conference = message.conference;
      for (const line of message.events) this.lastSeq = Math.max(this.lastSeq, line.seq);
    } else if (message.type === "result") {
      this.waiting.get(message.id)?.(message);
      this.waiting.delete(message.id);
    } else if (message.type === "ended") {
      this.over = true;
      this.handlers.status("ended");
    }
    this.handlers.message(message);
  }

  /** @param {WebSocket} socket @param {number} code */
  closed(socket, code) {
    if (this.socket !== socket) return;
    this.socket = null;
    for (const resolve of this.waiting.values()) resolve({ ok: false, error: null });
    this.waiting.clear();
    if (code === CLOSE_UNKNOWN_SESSION) this.session = ""; // it ended while we were away
    if (code === CLOSE_TAKEN_OVER || code === CLOSE_REVOKED) this.over = true;
    if (!this.over) {
      this.handlers.status("down");
      this.scheduleRetry();
    }
  }

  /** A connection without a sign of life is given up; levels come at least once a second. */
  watch() {
    if (this.socket && Date.now() - this.lastHeard > SILENCE_LIMIT) {
      const socket = this.socket;
      socket.close();
      this.closed(socket, 0);
    }
  }

  /** @param {any} message */
  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /**
   * Send a message that is answered by a result, and wait for it.
   * @param {any} message
   * @returns {Promise<{ok: boolean, error: any, key?: string}>}
   */
  ask(message) {
    const id = this.nextId++;
    return new Promise((resolve) => {
      if (this.socket?.readyState !== WebSocket.OPEN) {
        resolve({ ok: false, error: null });
        return;
      }
      this.waiting.set(id, resolve);
      this.send({ ...message, id });
    });
  }

  /**
   * A command to a conference.
   * @param {string} conference
   * @param {any} command
   */
  command(conference, command) {
    return this.ask({ type: "command", conference, command });
  }

  /**
   * Exchange an offer for an answer.
   * @param {string} sdp
   */
  async offer(sdp) {
    const answer = await this.post("/api/v1/offer", sdp, "application/sdp");
    return answer.text();
  }

  /** @param {string} path @param {string} body @param {string} type */
  async post(path, body, type) {
    /** @type {Record<string, string>} */
    const headers = { "Content-Type": type };
    if (this.session) headers.Authorization = `Bearer ${this.session}`;
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT);
    const response = await fetch(path, { method: "POST", body, headers, signal });
    if (!response.ok) {
      throw new Refused(response.status, await response.json().catch(() => null));
    }
    return response;
  }
}
