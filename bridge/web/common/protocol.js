// The connection to the bridge: opens a session, keeps a WebSocket, resumes after a loss, with
// another host where that leads now, and matches results to what was asked (docs/protocol.md). Knows no DOM; time and network are passed in.

/** @import { Asked, CallPreset, Command, FromClient, Problem, Sentence, SessionBody, Talk, ToClient, Typed } from "../types/protocol.js" */
import { Refused } from "./refused.js";
import { Vigil, patiently } from "./vigil.js";

/** Seconds until the next try; the last value repeats. */
export const RETRY = [0, 0.3, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 2, 5];
/** Seconds that a command may wait for its result. Shorter than the silence that ends a connection. */
export const ANSWER_LIMIT = 8;
/** Seconds without any message until the connection counts as dead; levels come once a second. */
export const SILENCE_LIMIT = 12;
/** Seconds without any message from which on a page says so. */
export const QUIET_LIMIT = 2.5;
/** Seconds without any message from which on it is looked whether another host leads. */
export const LOOK_LIMIT = 1.5;
const WATCH_EVERY = 0.5; // s
const VERSION = 2;
const OPEN = 1; // WebSocket.OPEN
const CLOSE_UNKNOWN_SESSION = 4401;
const CLOSE_REVOKED = 4403;
const CLOSE_TAKEN_OVER = 4409;

/**
 * @typedef {"connecting" | "up" | "down" | "wrong_key" | "busy" | "ended"} Status
 *
 * @typedef {"" | "line" | "bridge"} Cause  nothing came any more before it ended; or the other end,
 *   which was heard a moment before, has closed it
 *
 * @typedef {object} Handlers
 * @property {(message: ToClient) => void} message  every message of the bridge
 * @property {(status: Status, problem?: Problem | null) => void} status
 *
 * @typedef {object} Socket  what is used of a WebSocket
 * @property {number} readyState
 * @property {(text: string) => void} send
 * @property {() => void} close
 *
 * @typedef {object} SocketEvents
 * @property {() => void} opened
 * @property {(text: string) => void} received
 * @property {(code: number) => void} closed
 *
 * @typedef {object} Following  which host is talked to (hosts.js)
 * @property {boolean} several  whether there is another one
 * @property {() => Promise<boolean>} follow  finds out who leads; whether that is another than before
 * @property {(hosts: readonly string[]) => void} learn
 *
 * @typedef {object} Environment  time and network; browser.js has the browser's
 * @property {(events: SocketEvents) => Socket} open  a new WebSocket to the bridge; events follow later
 * @property {(path: string, body: string, type: string, token: string) => Promise<string>} post
 *   throws `Refused`, or anything else where nothing answers
 * @property {Following} hosts
 * @property {() => number} now  seconds, of a clock that nobody sets
 * @property {(work: () => void, seconds: number) => number} later  starts a timer
 * @property {(timer: number) => void} cancel
 *
 * @typedef {object} Outcome  what came of a command
 * @property {boolean} ok
 * @property {Sentence | null} error  the bridge's, where it refused
 * @property {string} key  of a sentence in the catalogue: of the bridge's refusal, or where no
 *   result came (see `UNSENT` and `UNANSWERED`)
 */

/** There is no connection: the command was not sent, or the connection was lost meanwhile. */
export const UNSENT = "page.no_answer";
/** The bridge has not said in time what came of the command. */
export const UNANSWERED = "page.no_result";

/** A client's session with the bridge, over as many WebSockets as it takes. */
export class Connection {
  /**
   * @param {SessionBody} identity  what opens a session
   * @param {Handlers} handlers
   * @param {Environment} environment
   */
  constructor(identity, handlers, environment) {
    this.identity = identity;
    this.handlers = handlers;
    this.environment = environment;
    this.session = "";
    this.conference = "";
    this.lastSeq = 0;
    this.tries = 0;
    this.over = false;
    this.connecting = false;
    /** @type {Socket | null} */
    this.socket = null;
    /** Why there is no connection, as far as it can be told from here. @type {Cause} */
    this.cause = "";
    this.retryTimer = 0;
    this.watchTimer = 0;
    this.vigil = new Vigil(WATCH_EVERY, environment.now());
    this.nextId = 1;
    /** @type {Map<number, (outcome: Outcome) => void>} */
    this.waiting = new Map();
  }

  /** Connect now instead of at the next try; does nothing where a connection stands. */
  start() {
    if (this.over || this.socket) return;
    this.environment.cancel(this.retryTimer);
    this.connect();
  }

  /** Tell the bridge that the session ends, and stay away. */
  leave() {
    this.send({ type: "bye" });
    this.over = true;
    this.environment.cancel(this.retryTimer);
  }

  /** Open a new session with the next connection: the bridge does not know this one any more. */
  forgetSession() {
    this.session = "";
  }

  scheduleRetry() {
    if (this.over) return;
    const delay = RETRY[Math.min(this.tries, RETRY.length - 1)];
    this.tries += 1;
    this.environment.cancel(this.retryTimer);
    this.retryTimer = this.environment.later(() => this.connect(), delay);
  }

  async connect() {
    if (this.socket || this.over || this.connecting) return;
    this.connecting = true;
    this.handlers.status("connecting");
    await this.environment.hosts.follow();
    try {
      if (!this.session && !this.over) await this.openSession();
    } catch (error) {
      this.connecting = false;
      const refused = error instanceof Refused ? error : null;
      this.handlers.status(statusOf(refused), refused?.problem ?? null);
      this.scheduleRetry();
      return;
    }
    this.connecting = false;
    if (this.over) return;
    const socket = this.environment.open({
      opened: () => this.hello(),
      received: (text) => this.receive(JSON.parse(text)),
      closed: (code) => this.closed(socket, code),
    });
    this.socket = socket;
    this.vigil.heard(this.environment.now());
    this.watch();
  }

  /** Name the session, and where the log is to go on. */
  hello() {
    this.send({
      type: "hello",
      version: VERSION,
      session: this.session,
      conference: this.conference,
      last_seq: this.lastSeq,
    });
  }

  async openSession() {
    const body = JSON.stringify(this.identity);
    const answer = await this.environment.post("/api/v1/sessions", body, "application/json", "");
    this.session = JSON.parse(answer).session;
  }

  /** @param {ToClient} message */
  receive(message) {
    this.vigil.heard(this.environment.now());
    if (message.type === "welcome") {
      this.tries = 0;
      this.cause = "";
      this.environment.hosts.learn(message.hosts ?? []);
      this.handlers.status("up");
    } else if (message.type === "events") {
      if (message.reset || message.conference !== this.conference) this.lastSeq = 0;
      this.conference = message.conference;
      for (const line of message.events) this.lastSeq = Math.max(this.lastSeq, line.seq);
    } else if (message.type === "result") {
      this.waiting.get(message.id)?.(message);
    } else if (message.type === "ended") {
      this.over = true;
      this.handlers.status("ended");
    }
    this.handlers.message(message);
  }

  /** @param {Socket} socket @param {number} code */
  closed(socket, code) {
    if (this.socket !== socket) return;
    this.socket = null;
    const silent = this.vigil.look(this.environment.now()) > QUIET_LIMIT;
    this.cause = silent ? "line" : this.cause || "bridge";
    this.environment.cancel(this.watchTimer);
    for (const settle of [...this.waiting.values()]) settle(failed(UNSENT));
    if (code === CLOSE_UNKNOWN_SESSION) this.forgetSession(); // it ended while we were away
    if (code === CLOSE_TAKEN_OVER || code === CLOSE_REVOKED) this.over = true;
    if (!this.over) {
      this.handlers.status("down");
      this.scheduleRetry();
    }
  }

  /** Give a connection up that shows no sign of life; look again in a second. */
  watch() {
    const { socket } = this;
    if (!socket) return;
    const silence = this.vigil.look(this.environment.now());
    if (silence > SILENCE_LIMIT) {
      socket.close();
      this.closed(socket, 0);
      return;
    }
    if (silence > LOOK_LIMIT && this.environment.hosts.several) this.lookElsewhere(socket);
    this.environment.cancel(this.watchTimer);
    this.watchTimer = this.environment.later(() => this.watch(), WATCH_EVERY);
  }

  /** Leave a host from which nothing comes, where another one leads meanwhile. @param {Socket} socket */
  async lookElsewhere(socket) {
    if ((await this.environment.hosts.follow()) && this.socket === socket) {
      socket.close();
      this.closed(socket, 0);
    }
  }

  get open() {
    return this.socket?.readyState === OPEN;
  }

  /** Send a message; without a connection it is dropped. @param {FromClient} message */
  send(message) {
    if (this.open) this.socket?.send(JSON.stringify(message));
  }

  /**
   * Send what is answered by a result, and resolve with it, at the latest after `ANSWER_LIMIT`.
   * @param {Omit<Command, "id"> | Omit<Typed, "id"> | Omit<CallPreset, "id"> | Omit<Talk, "id">} message
   * @returns {Promise<Outcome>}
   */
  ask(message) {
    if (!this.open) return Promise.resolve(failed(UNSENT));
    const id = this.nextId++;
    return new Promise((resolve) => {
      /** @param {Outcome} outcome */
      const settle = (outcome) => {
        cancel();
        this.waiting.delete(id);
        resolve(outcome);
      };
      const cancel = patiently(this.environment, ANSWER_LIMIT, () => settle(failed(UNANSWERED)));
      this.waiting.set(id, settle);
      this.send({ ...message, id });
    });
  }

  /**
   * Give a command to a conference.
   * @param {string} conference
   * @param {Asked} command
   */
  command(conference, command) {
    return this.ask({ type: "command", conference, command });
  }

  /**
   * Exchange an SDP offer for an answer.
   * @param {string} sdp
   * @param {boolean} [beside]  while the connection so far plays on
   */
  offer(sdp, beside = false) {
    return this.environment.post(`/api/v1/offer${beside ? "?beside=1" : ""}`, sdp, "application/sdp", this.session);
  }
}

/** @param {string} key @returns {Outcome} */
const failed = (key) => ({ ok: false, error: null, key });

/** What it means that no session could be opened. @param {Refused | null} refused @returns {Status} */
function statusOf(refused) {
  if (refused?.status === 401 || refused?.status === 403) return "wrong_key";
  return refused?.status === 409 ? "busy" : "down";
}
