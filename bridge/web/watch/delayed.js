// A viewer by HLS: over HTTP, some seconds late, where UDP does not pass. The player is hls.js, which
// lies beside the pages; a browser without MediaSource plays by itself or not at all.

/** @import { Viewing } from "./whep.js" */
import { accepted } from "../common/refused.js";
import { told } from "./whep.js";

const LATE = 4.5; // s behind the newest picture: two segments, and what it takes to find them
const TOO_LATE = 14; // s after which the player jumps
const FASTER = 1.15; // at most, to catch up
const BEHIND = 10; // s of what was seen that are kept
const TYPE = "application/vnd.apple.mpegurl";

/** One viewing, from the first request to its end, like `Viewing`. Make another one to watch again. */
export class Delayed {
  /**
   * @param {string} endpoint
   * @param {string} code  "" for none
   * @param {HTMLVideoElement} video
   * @param {Pick<Viewing["handlers"], "told" | "up" | "over">} handlers
   */
  constructor(endpoint, code, video, handlers) {
    this.endpoint = endpoint;
    this.code = code;
    this.video = video;
    this.handlers = handlers;
    this.session = "";
    this.ended = false;
    this.repaired = false;
    this.stream = new AbortController();
    /** @type {import("../vendor/hls/hls.light.min.mjs").default | null} */
    this.player = null;
    this.playing = () => this.handlers.up();
    this.failed = () => this.end("");
  }

  /** Throws `Refused` where the bridge says no. */
  async begin() {
    const response = await fetch(this.endpoint, {
      method: "POST",
      headers: this.code ? { Authorization: `Bearer ${this.code}` } : {},
    });
    await accepted(response);
    this.session = response.headers.get("Location") ?? "";
    /** @type {{ playlist: string }} */
    const { playlist } = await response.json();
    if (this.ended) return this.forget();
    this.follow();
    this.video.addEventListener("playing", this.playing);
    await this.play(playlist);
  }

  /** @param {string} playlist */
  async play(playlist) {
    const { default: Hls } = await import("../vendor/hls/hls.light.min.mjs");
    if (this.ended) return;
    if (!Hls.isSupported()) {
      this.video.addEventListener("error", this.failed);
      if (!this.video.canPlayType(TYPE)) return this.end("");
      this.video.src = playlist;
      return;
    }
    // No worker: the pages' policy lets nothing run but files of the bridge.
    const player = new Hls({
      enableWorker: false,
      liveSyncDuration: LATE,
      liveMaxLatencyDuration: TOO_LATE,
      maxLiveSyncPlaybackRate: FASTER,
      backBufferLength: BEHIND,
    });
    this.player = player;
    player.on(Hls.Events.ERROR, (_, fault) => {
      if (!fault.fatal || this.ended) return;
      if (fault.type === Hls.ErrorTypes.MEDIA_ERROR && !this.repaired) {
        this.repaired = true;
        player.recoverMediaError();
      } else this.end("");
    });
    player.loadSource(playlist);
    player.attachMedia(this.video);
  }

  /** Read what the bridge tells until it says that this is over. */
  async follow() {
    const why = await told(this.session, this.stream.signal, (view) => {
      if (!this.ended) this.handlers.told(view);
    });
    this.end(why);
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
    this.stream.abort();
    this.video.removeEventListener("playing", this.playing);
    this.video.removeEventListener("error", this.failed);
    this.player?.destroy();
    this.player = null;
    this.video.removeAttribute("src");
    this.video.load();
    this.forget();
  }

  /** The bridge need not wait until nothing is heard. */
  forget() {
    if (this.session) fetch(this.session, { method: "DELETE", keepalive: true }).catch(() => {});
    this.session = "";
  }
}
