// Picture and sound: one RTCPeerConnection, negotiated once. Knows no DOM.

/** @import { LayerInfo, Layers, SlotMap } from "../types/protocol.js" */
import { RETRY } from "./protocol.js";
import { patiently, timers } from "./vigil.js";
import { repeater, VoiceRepeats } from "./voice_repeats.js";

export const DISCONNECTED_LIMIT = 2.5; // s in "disconnected" until a new connection is made
const CODECS = ["video/vp8", "video/h264", "video/rtx"];
export const CONNECT_LIMIT = 10; // s from the answer to "connected"
const PATIENCE = 2; // times that this limit is doubled: a machine that is busy must come to an end, too
const TIMEOUT = "timeout";
const FAILED = "failed";

/**
 * @typedef {"room" | "console" | "none"} Sends  what may be sent: microphone, camera and screen;
 *   a screen; nothing
 * @typedef {{slots: SlotMap, layers: LayerInfo[], sends: Sends, stereo?: boolean}} Setup
 */

/**
 * An offer with stereo (RFC 7587 section 6.1) on every line that receives sound, and on the one that
 * sends it where both channels are to be sent: browsers offer one channel.
 * @param {string} sdp
 * @param {boolean} sent
 */
export function bothChannels(sdp, sent) {
  return sdp.split(/(?=^m=)/m).map((section) => {
    const opus = /^a=rtpmap:(\d+) opus\//m.exec(section)?.[1];
    if (!section.startsWith("m=audio") || !opus) return section;
    if (section.includes("a=sendonly") && !sent) return section;
    return section.replace(new RegExp(`^(a=fmtp:${opus} [^\\r\\n]*)`, "m"), "$1;stereo=1;sprop-stereo=1");
  }).join("");
}

/** A page's transport: what it receives by slot, and the tracks that it sends. */
export class Media {
  /**
   * @param {{offer: (sdp: string) => Promise<string>}} connection
   * @param {object} handlers
   * @param {(slot: string, track: MediaStreamTrack) => void} handlers.track
   * @param {(status: "connecting" | "up" | "down", error?: unknown) => void} handlers.status
   * @param {import("./vigil.js").Timers} [clock]
   */
  constructor(connection, handlers, clock = timers) {
    this.connection = connection;
    this.clock = clock;
    this.handlers = handlers;
    /** @type {RTCPeerConnection | null} */
    this.pc = null;
    /** The microphone's sound, whatever becomes of the camera. @type {MediaStreamTrack | null} */
    this.voice = null;
    /** The camera's picture. @type {MediaStreamTrack | null} */
    this.camera = null;
    /** @type {MediaStreamTrack | null} */
    this.screen = null;
    /** @type {SlotMap} */
    this.slots = { video: [], audio: [] };
    /** @type {LayerInfo[]} */
    this.layers = [];
    /** @type {Sends} */
    this.sends = "none";
    this.sending = false; // camera and microphone are sent only inside a conference
    this.microphone = true;
    this.contentRate = 1500;
    this.stereo = false; // both channels of the microphone: a codec that is put through
    this.tries = 0;
    /** Connections in a row that the bridge answered and that never came up. */
    this.failures = 0;
    this.reached = false; // this one has been up
    this.unwait = () => {}; // ends what is waited for
    this.generation = 0;
    /** @type {MediaStreamTrack | null} */
    this.programme = null; // what the programme's slot receives
    /** @type {RTCRtpTransceiver | null} */
    this.voiceLine = null;
    /** What repeats the microphone's frames; null where nothing can. @type {VoiceRepeats | null} */
    this.repeats = null;
    /** @type {RTCRtpTransceiver | null} */
    this.cameraLine = null;
    /** @type {RTCRtpTransceiver | null} */
    this.contentLine = null;
  }

  /**
   * Make a fresh connection; an old one is dropped.
   * @param {Setup} setup
   */
  start(setup) {
    this.slots = setup.slots;
    this.layers = setup.layers;
    this.sends = setup.sends;
    this.stereo = setup.stereo ?? false;
    this.tries = 0;
    this.again();
  }

  stop() {
    this.unwait();
    this.generation += 1;
    this.pc?.close();
    this.pc = null;
  }

  /** Whether media flows now. */
  get up() {
    return this.pc?.connectionState === "connected";
  }

  again() {
    this.unwait();
    const delay = RETRY[Math.min(this.tries, RETRY.length - 1)];
    this.tries += 1;
    const timer = this.clock.later(() => this.connect(), delay);
    this.unwait = () => this.clock.cancel(timer);
  }

  /**
   * Give a connection up that stays in a state for too long.
   * @param {number} generation @param {number} seconds @param {string} why
   */
  giveUpAfter(generation, seconds, why) {
    this.unwait();
    this.unwait = patiently(this.clock, seconds, () => this.failed(generation, why));
  }

  async connect() {
    this.stop();
    const generation = this.generation;
    this.reached = false;
    this.handlers.status("connecting");
    const worker = this.sends === "room" ? await repeater().catch(() => null) : null;
    if (generation !== this.generation) return;
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [] });
    this.pc = pc;
    pc.onconnectionstatechange = () => this.changed(pc, generation);
    try {
      this.addSending(pc);
      this.repeats = worker && this.voiceLine ? new VoiceRepeats(worker, this.voiceLine.sender) : null;
      const video = this.slots.video.map(() => pc.addTransceiver("video", { direction: "recvonly" }));
      preferCodecs(video);
      const audio = this.slots.audio.map(() => pc.addTransceiver("audio", { direction: "recvonly" }));
      await pc.setLocalDescription({ type: "offer", sdp: bothChannels((await pc.createOffer()).sdp ?? "", this.stereo) });
      const answer = await this.connection.offer(pc.localDescription?.sdp ?? "");
      if (generation !== this.generation) return;
      await pc.setRemoteDescription({ type: "answer", sdp: answer });
      this.programme = video[this.slots.video.indexOf("programme")]?.receiver.track ?? null;
      this.slots.video.forEach((slot, i) => this.handlers.track(slot, video[i].receiver.track));
      this.slots.audio.forEach((slot, i) => this.handlers.track(slot, audio[i].receiver.track));
      await this.feed();
      if (generation === this.generation && !this.up) this.giveUpAfter(generation, CONNECT_LIMIT * 2 ** Math.min(this.failures, PATIENCE), TIMEOUT);
    } catch (error) {
      this.failed(generation, error);
    }
  }

  /** Microphone, camera (simulcast) and shared screen, in this order. @param {RTCPeerConnection} pc */
  addSending(pc) {
    this.voiceLine = this.cameraLine = this.contentLine = null;
    if (this.sends === "room") {
      const top = this.layers.at(-1)?.height ?? 720;
      // RFC 8837: at high priority sound is marked EF and pictures AF41.
      this.voiceLine = pc.addTransceiver("audio", {
        direction: "sendonly",
        // Sound comes first where the line is thin, too.
        sendEncodings: [{ networkPriority: "high", priority: "high" }],
      });
      this.cameraLine = pc.addTransceiver("video", {
        direction: "sendonly",
        sendEncodings: this.layers.map((layer, index) => ({
          rid: layer.rid,
          scaleResolutionDownBy: top / layer.height,
          maxBitrate: layer.bitrate * 1000,
          maxFramerate: layer.frame_rate,
          // The mark is the line's: browsers take it from the first layer only.
          ...(index === 0 ? { networkPriority: /** @type {RTCPriorityType} */ ("high") } : {}),
        })),
      });
    }
    if (this.sends !== "none") {
      this.contentLine = pc.addTransceiver("video", {
        direction: "sendonly",
        sendEncodings: [{ maxBitrate: this.contentRate * 1000 }],
      });
    }
  }

  /** Put the tracks that are to be sent now on their lines; needs no negotiation. */
  async feed() {
    // One that cannot be sent must not keep the others from being sent.
    await Promise.allSettled([
      this.put(this.voiceLine, this.sending && this.microphone ? this.voice : null),
      this.put(this.cameraLine, this.sending ? this.camera : null),
      this.put(this.contentLine, this.screen),
    ]);
  }

  /** @param {RTCRtpTransceiver | null} line @param {MediaStreamTrack | null} track */
  async put(line, track) {
    if (line && line.sender.track !== track && this.pc) await line.sender.replaceTrack(track);
  }

  /**
   * Send another microphone and camera without a new negotiation; null is none.
   * @param {MediaStreamTrack | null} voice
   * @param {MediaStreamTrack | null} camera
   */
  async replace(voice, camera) {
    this.voice = voice;
    this.camera = camera;
    await this.feed();
  }

  /**
   * Whether camera and microphone are sent. @param {boolean} sending @param {boolean} microphone
   */
  async send(sending, microphone = true) {
    if (this.sending === sending && this.microphone === microphone) return;
    this.sending = sending;
    this.microphone = microphone;
    await this.feed();
  }

  /** Share a screen, or stop with null. @param {MediaStreamTrack | null} track */
  async share(track) {
    this.screen?.stop();
    this.screen = track;
    if (track) track.contentHint = "detail";
    await this.feed();
  }

  /**
   * Send these layers of a source and no others; needs no negotiation. What is not simulcast has one
   * layer, which is sent or not.
   * @param {Layers} layers
   */
  async choose({ source, rids }) {
    const sender = { camera: this.cameraLine, content: this.contentLine }[source]?.sender;
    if (!sender || !this.pc) return;
    const parameters = sender.getParameters();
    const before = JSON.stringify(parameters.encodings);
    for (const encoding of parameters.encodings) encoding.active = rids.includes(encoding.rid ?? "");
    if (JSON.stringify(parameters.encodings) === before) return;
    // Fails where the connection was replaced meanwhile: that one will be asked again.
    await sender.setParameters(parameters).catch(() => {});
  }

  /** @param {RTCPeerConnection} pc @param {number} generation */
  changed(pc, generation) {
    if (generation !== this.generation) return;
    if (pc.connectionState === "connected") {
      this.tries = 0;
      this.failures = 0;
      this.reached = true;
      this.unwait();
      this.handlers.status("up");
    } else if (pc.connectionState === "failed") {
      this.failed(generation, FAILED);
    } else if (pc.connectionState === "disconnected") {
      this.giveUpAfter(generation, DISCONNECTED_LIMIT, "disconnected");
    }
  }

  /** @param {number} generation @param {unknown} error */
  failed(generation, error) {
    if (generation !== this.generation) return;
    // Anything else (the bridge did not answer, a line was cut) is told in other ways.
    if (!this.reached && (error === TIMEOUT || error === FAILED)) this.failures += 1;
    this.stop();
    this.handlers.status("down", error);
    this.again();
  }
}

/**
 * Offer only the codecs that a bridge may choose: with every codec of the browser the offer of a
 * console with dozens of pictures would be larger than a bridge takes.
 * @param {RTCRtpTransceiver[]} lines
 */
function preferCodecs(lines) {
  const all = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
  const known = all.filter(({ mimeType }) => CODECS.includes(mimeType.toLowerCase()));
  for (const line of lines) line.setCodecPreferences(known);
}
