// The pictures that a page receives: one stream for each slot. The state says which of them shows a
// point.

/** @import { PageState } from "./state.js" */
import { shownIn } from "./state.js";

const LARGE = "preview"; // the slot that may show a point better than its small picture

/** Streams by slot. */
export class Pictures {
  constructor() {
    /** @type {Map<string, MediaStream>} */
    this.streams = new Map();
  }

  /** A slot has a picture. @param {string} slot @param {MediaStreamTrack} track @param {boolean} over */
  add(slot, track, over) {
    this.streams.set(slot, streamOf(track, over ? this.of(slot) : null));
  }

  /** What a slot receives. @param {string} slot */
  of(slot) {
    return this.streams.get(slot) ?? null;
  }

  /** The small picture of a point. @param {PageState} state @param {string} point */
  small(state, point) {
    const slot = state.pictures[point];
    return slot === undefined ? null : this.of(slot);
  }

  /** The best picture of a point that there is. @param {PageState} state @param {string} point */
  best(state, point) {
    return shownIn(state, LARGE) === point ? this.of(LARGE) : this.small(state, point);
  }
}

/** Show a stream in a <video>; the same one again changes nothing. @param {HTMLVideoElement} video @param {MediaStream | null} stream */
export function show(video, stream) {
  if (video.srcObject !== stream) video.srcObject = stream;
}

/**
 * A stream of a track: the one that plays already, where it takes the place of another in it, so that
 * there is no empty moment.
 * @param {MediaStreamTrack} track
 * @param {MediaProvider | null} playing
 */
export function streamOf(track, playing) {
  if (!(playing instanceof MediaStream)) return new MediaStream([track]);
  const before = playing.getTracks();
  playing.addTrack(track);
  for (const old of before) if (old !== track) playing.removeTrack(old);
  return playing;
}
