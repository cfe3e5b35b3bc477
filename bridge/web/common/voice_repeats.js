// How often the frames of a microphone are repeated on its way up: by the loss that the bridge reports.
// The work is done in `sound_repeats_worker.js`.

import { affordable, Level, MOST, OWN } from "./sound_repeats.js";

const READY = 10; // s that a worker may take to start; without it sound is sent as the browser makes it
const FEWEST = 40; // packets between two reports that are judged
// Seconds above the shortest round trip. A line that loses because it is full has a queue, and what is
// sent besides is lost as well; one that loses without a queue carries what repeats the lost.
const QUEUE = 0.1;
const TRIPS = 4; // reports that all must have met it: a busy computer looks like a queue now and then

/** @typedef {{timestamp: number, lost: number, sent: number, trip: number}} Reported */

/** @type {Promise<Worker | null> | null} */
let started = null;

/** The page's worker that repeats frames, once it is there; null where the browser has no such thing. */
export function repeater() {
  started ??= start().then((worker) => {
    if (!worker) started = null; // another connection may have more luck
    return worker;
  });
  return started;
}

async function start() {
  if (!globalThis.RTCRtpScriptTransform || !globalThis.Worker) return null;
  const codecs = RTCRtpSender.getCapabilities("audio")?.codecs ?? [];
  if (!codecs.some(({ mimeType }) => mimeType.toLowerCase() === "audio/red")) return null;
  const worker = new Worker(new URL("./sound_repeats_worker.js", import.meta.url), { type: "module" });
  /** @type {Promise<boolean>} */
  const ready = new Promise((resolve) => {
    worker.onmessage = () => resolve(true);
    worker.onerror = () => resolve(false);
    setTimeout(() => resolve(false), READY * 1000);
  });
  if (await ready) return worker;
  worker.terminate();
  return null;
}

/** The repeats of one connection's microphone. */
export class VoiceRepeats {
  /** @param {Worker} worker @param {RTCRtpSender} sender  new: it can be given to nobody later */
  constructor(worker, sender) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.sender = sender;
    this.level = new Level();
    this.told = OWN;
    /** @type {Reported | null} */
    this.before = null;
    this.shortest = Infinity; // round trip, s
    /** @type {number[]} */
    this.trips = []; // the last ones
    sender.transform = new RTCRtpScriptTransform(worker, { port: port2 }, [port2]);
  }

  /**
   * Look at the statistics of the connection, about once a second.
   * @param {Iterable<any>} reports @param {number} now  seconds
   */
  look(reports, now) {
    const found = { timestamp: 0, lost: 0, sent: 0, trip: 0 };
    let available = 0;
    for (const report of reports) {
      if (report.type === "candidate-pair" && report.nominated) available = report.availableOutgoingBitrate ?? 0;
      if (report.kind !== "audio") continue;
      if (report.type === "outbound-rtp") found.sent = report.packetsSent ?? 0;
      if (report.type === "remote-inbound-rtp") {
        found.timestamp = report.timestamp;
        found.lost = report.packetsLost ?? 0;
        found.trip = report.roundTripTime ?? 0;
      }
    }
    const before = this.before;
    const sent = found.sent - (before?.sent ?? 0);
    if (!found.timestamp || found.timestamp === before?.timestamp || (before && sent >= 0 && sent < FEWEST)) return;
    this.before = found;
    if (found.trip) this.trips = [...this.trips, found.trip].slice(-TRIPS);
    this.shortest = Math.min(this.shortest, ...this.trips);
    if (!before || sent < 0) return; // another stream
    const loss = Math.min(1, Math.max(0, (found.lost - before.lost) / sent));
    const full = Math.min(...this.trips) > this.shortest + QUEUE;
    const most = full ? affordable(available) : MOST;
    this.tell(Math.max(OWN, this.level.feed(loss, most, now)));
  }

  /** @param {number} most */
  tell(most) {
    if (most === this.told) return;
    const codecs = this.sender.getParameters().codecs;
    const type = (/** @type {string} */ name) =>
      codecs.find(({ mimeType }) => mimeType.toLowerCase() === name)?.payloadType ?? -1;
    this.told = most;
    this.port.postMessage({ red: type("audio/red"), plain: type("audio/opus"), most });
  }
}
