// A viewer's media by WHEP (draft-ietf-wish-whep), and what the bridge tells it meanwhile. Knows no
// DOM.

/** @import { WatchView } from "../types/protocol.js" */
import { bothChannels } from "../common/transport.js";
import { accepted } from "../common/refused.js";

export const VOICES = 3; // lines of sound: as many as are heard at once where nobody says otherwise
const PICTURES = ["programme", "content"];
const DISCONNECTED_LIMIT = 3000; // ms

/**
 * Documents of a stream of server-sent events, as far as they are complete; and the rest.
 * @param {string} text
 * @returns {[WatchView[], string]}
 */
export function documents(text) {
  const parts = text.split("\n\n");
  const rest = parts.pop() ?? "";
  const found = parts.filter((part) => part.startsWith("data: ")).map((part) => JSON.parse(part.slice(6)));
  return [found, rest];
}

/**
 * Read what the bridge tells a viewer, until it is over; returns why, "" where the line was cut.
 * @param {string} session
 * @param {AbortSignal} signal
 * @param {(view: WatchView) => void} take
 */
export async function told(session, signal, take) {
  try {
    const response = await fetch(`${session}/events`, { signal });
    if (!response.ok || !response.body) return "";
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return "";
      const [found, rest] = documents(text + value);
      text = rest;
      for (const view of found) {
        if (view.why) return view.why;
        take(view);
      }
    }
  } catch {
    return "";
  }
}

/** One viewing, from the offer to its end. Make another one to watch again. */
export class Viewing {
  /**
   * @param {string} endpoint
   * @param {string} code  "" for none
   * @param {boolean} pictures  false: sound alone
   * @param {number} patience  ms from the answer until picture and sound have to arrive
   * @param {object} handlers
   * @param {(slot: string, track: MediaStreamTrack) => void} handlers.track
   * @param {(view: WatchView) => void} handlers.told
   * @param {() => void} handlers.up  picture and sound arrive
   * @param {(why: string) => void} handlers.over  once; "" where it was only lost
   */
  constructor(endpoint, code, pictures, patience, handlers) {
    this.endpoint = endpoint;
    this.code = code;
    this.pictures = pictures;
    this.patience = patience;
    this.handlers = handlers;
    this.session = "";
    this.ended = false;
    this.timer = 0;
    this.stream = new AbortController();
    this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [] });
    this.pc.onconnectionstatechange = () => this.changed();
  }

  /** Throws `Refused` where the bridge says no. */
  async begin() {
    const { pc } = this;
    const video = this.pictures ? PICTURES.map(() => pc.addTransceiver("video", { direction: "recvonly" })) : [];
    const audio = Array.from({ length: VOICES }, () => pc.addTransceiver("audio", { direction: "recvonly" }));
    await pc.setLocalDescription({ type: "offer", sdp: bothChannels((await pc.createOffer()).sdp ?? "", false) });
    const response = await fetch(this.endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", ...this.bearer() },
      body: pc.localDescription?.sdp ?? "",
    });
    if (!response.ok) this.pc.close();
    await accepted(response);
    this.session = response.headers.get("Location") ?? "";
    const sdp = await response.text();
    if (this.ended) return this.forget();
    await pc.setRemoteDescription({ type: "answer", sdp });
    video.forEach(({ receiver }, index) => this.handlers.track(PICTURES[index], receiver.track));
    audio.forEach(({ receiver }, index) => this.handlers.track(`audio:${index}`, receiver.track));
    if (pc.connectionState !== "connected") this.giveUpAfter(this.patience);
    this.follow();
  }

  /** @returns {Record<string, string>} */
  bearer() {
    return this.code ? { Authorization: `Bearer ${this.code}` } : {};
  }

  /** Read what the bridge tells until it says that this is over. */
  async follow() {
    const why = await told(this.session, this.stream.signal, (view) => {
      if (!this.ended) this.handlers.told(view);
    });
    this.end(why);
  }

  changed() {
    const state = this.pc.connectionState;
    clearTimeout(this.timer);
    if (state === "connected") this.handlers.up();
    else if (state === "failed") this.end("");
    else if (state === "disconnected") this.giveUpAfter(DISCONNECTED_LIMIT);
  }

  /** @param {number} wait  ms */
  giveUpAfter(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.end(""), wait);
  }

  /** @param {string} why */
  end(why) {
    if (this.ended) return;
    this.stop();
    this.handlers.over(why);
  }

  /** Watch no longer. */
  stop() {
    this.ended = true;
    clearTimeout(this.timer);
    this.stream.abort();
    this.pc.close();
    this.forget();
  }

  /** The bridge need not wait until nothing is heard. */
  forget() {
    if (this.session) fetch(this.session, { method: "DELETE", keepalive: true }).catch(() => {});
    this.session = "";
  }
}
