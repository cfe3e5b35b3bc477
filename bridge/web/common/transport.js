// One RTCPeerConnection to the bridge, negotiated once: what it receives by slot, and the lines on which
// it sends. Knows no DOM and no policy.

/** @import { LayerInfo, Layers, SlotMap } from "../types/protocol.js" */
import { VoiceRepeats } from "./voice_repeats.js";

const CODECS = ["video/vp8", "video/h264", "video/rtx"];
const CONTENT_RATE = 1500; // kbit/s of a shared screen
const FILM_RATE = 64_000; // bit/s of a film's sound: music in both channels

/**
 * @typedef {"room" | "console" | "none"} Sends  what may be sent: microphone, camera and screen;
 *   microphone, a film's sound and a screen; nothing
 * @typedef {{slots: SlotMap, layers: LayerInfo[], sends: Sends, stereo?: boolean}} Setup
 * @typedef {{voice: MediaStreamTrack | null, camera: MediaStreamTrack | null, screen: MediaStreamTrack | null, film: MediaStreamTrack | null}} Sent
 *   the tracks that are on the lines; null is none
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

export class Transport {
  /** @param {Setup} setup */
  constructor(setup) {
    this.setup = setup;
    this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [] });
    /** What is received, by slot. @type {Map<string, MediaStreamTrack>} */
    this.tracks = new Map();
    /** @type {RTCRtpTransceiver | null} */
    this.voiceLine = null;
    /** @type {RTCRtpTransceiver | null} */
    this.filmLine = null;
    /** What repeats the microphone's frames; null where nothing can. @type {VoiceRepeats | null} */
    this.repeats = null;
    /** @type {RTCRtpTransceiver | null} */
    this.cameraLine = null;
    /** @type {RTCRtpTransceiver | null} */
    this.contentLine = null;
    this.closed = false;
  }

  /** Whether media flows now. */
  get up() {
    return this.pc.connectionState === "connected";
  }

  close() {
    this.closed = true;
    this.pc.onconnectionstatechange = null;
    this.pc.close();
  }

  /**
   * Offer, and take the answer; false where it was closed meanwhile.
   * @param {(sdp: string) => Promise<string>} offer
   * @param {Worker | null} worker  repeats sound, where there is one
   */
  async negotiate(offer, worker) {
    const { pc, setup } = this;
    this.addSending();
    this.repeats = worker && this.voiceLine ? new VoiceRepeats(worker, this.voiceLine.sender) : null;
    const video = setup.slots.video.map(() => pc.addTransceiver("video", { direction: "recvonly" }));
    preferCodecs(video);
    const audio = setup.slots.audio.map(() => pc.addTransceiver("audio", { direction: "recvonly" }));
    const sdp = bothChannels((await pc.createOffer()).sdp ?? "", setup.stereo ?? false);
    await pc.setLocalDescription({ type: "offer", sdp });
    const answer = await offer(pc.localDescription?.sdp ?? "");
    if (this.closed) return false;
    await pc.setRemoteDescription({ type: "answer", sdp: answer });
    setup.slots.video.forEach((slot, i) => this.tracks.set(slot, video[i].receiver.track));
    setup.slots.audio.forEach((slot, i) => this.tracks.set(slot, audio[i].receiver.track));
    return true;
  }

  /** Microphone, camera (simulcast) and shared screen, in this order. */
  addSending() {
    const { pc, setup } = this;
    if (setup.sends !== "none") {
      // RFC 8837: at high priority sound is marked EF and pictures AF41.
      this.voiceLine = pc.addTransceiver("audio", {
        direction: "sendonly",
        // Sound comes first where the line is thin, too.
        sendEncodings: [{ networkPriority: "high", priority: "high" }],
      });
    }
    if (setup.sends === "room") {
      const top = setup.layers.at(-1)?.height ?? 720;
      this.cameraLine = pc.addTransceiver("video", {
        direction: "sendonly",
        sendEncodings: setup.layers.map((layer, index) => ({
          rid: layer.rid,
          scaleResolutionDownBy: top / layer.height,
          maxBitrate: layer.bitrate * 1000,
          maxFramerate: layer.frame_rate,
          // The mark is the line's: browsers take it from the first layer only.
          ...(index === 0 ? { networkPriority: /** @type {RTCPriorityType} */ ("high") } : {}),
        })),
      });
    }
    if (setup.sends === "console") {
      this.filmLine = pc.addTransceiver("audio", {
        direction: "sendonly",
        sendEncodings: [{ maxBitrate: FILM_RATE, networkPriority: "high", priority: "high" }],
      });
    }
    if (setup.sends !== "none") {
      this.contentLine = pc.addTransceiver("video", {
        direction: "sendonly",
        sendEncodings: [{ maxBitrate: CONTENT_RATE * 1000 }],
      });
    }
  }

  /** Put the tracks that are to be sent now on their lines; needs no negotiation. @param {Sent} sent */
  async feed({ voice, camera, screen, film }) {
    // One that cannot be sent must not keep the others from being sent.
    await Promise.allSettled([
      this.put(this.voiceLine, voice),
      this.put(this.cameraLine, camera),
      this.put(this.contentLine, screen),
      this.put(this.filmLine, film),
    ]);
  }

  /** @param {RTCRtpTransceiver | null} line @param {MediaStreamTrack | null} track */
  async put(line, track) {
    if (line && line.sender.track !== track && !this.closed) await line.sender.replaceTrack(track);
  }

  /**
   * Send these layers of a source and no others; needs no negotiation. What is not simulcast has one
   * layer, which is sent or not.
   * @param {Layers} layers
   */
  async choose({ source, rids }) {
    const sender = { camera: this.cameraLine, content: this.contentLine }[source]?.sender;
    if (!sender || this.closed) return;
    const parameters = sender.getParameters();
    const before = JSON.stringify(parameters.encodings);
    for (const encoding of parameters.encodings) encoding.active = rids.includes(encoding.rid ?? "");
    if (JSON.stringify(parameters.encodings) === before) return;
    // Fails where the connection was replaced meanwhile: that one will be asked again.
    await sender.setParameters(parameters).catch(() => {});
  }

  /** Pictures decoded and packets of sound received so far, by slot. @returns {Promise<Map<string, number>>} */
  async received() {
    /** @type {Map<string, number>} */
    const counted = new Map();
    const slots = new Map([...this.tracks].map(([slot, track]) => [track.id, slot]));
    for (const report of (await this.pc.getStats().catch(() => null))?.values() ?? []) {
      const slot = report.type === "inbound-rtp" ? slots.get(report.trackIdentifier) : undefined;
      if (slot !== undefined) counted.set(slot, (report.kind === "video" ? report.framesDecoded : report.packetsReceived) ?? 0);
    }
    return counted;
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
