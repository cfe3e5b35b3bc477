// Between a microphone's encoder and its packets (RTCRtpScriptTransform): repeats earlier frames. Says
// that it is there, since a browser gives frames to nobody else once they were promised to it.

import { Repeats } from "./sound_repeats.js";

/**
 * @param {Repeats} repeats
 * @param {RTCEncodedAudioFrame & {getMetadata(): {payloadType?: number, rtpTimestamp?: number}}} frame
 */
function repeat(repeats, frame) {
  const { payloadType = -1, rtpTimestamp = 0 } = frame.getMetadata();
  const built = repeats.packet(new Uint8Array(frame.data), payloadType, rtpTimestamp);
  if (built) frame.data = built.buffer;
}

/** @typedef {{readable: ReadableStream, writable: WritableStream, options: {port: MessagePort}}} Transformer */

addEventListener("rtctransform", (event) => {
  const { transformer } = /** @type {Event & {transformer: Transformer}} */ (event);
  const repeats = new Repeats();
  transformer.options.port.onmessage = ({ data }) => repeats.use(data);
  const stream = new TransformStream({
    transform(frame, controller) {
      try {
        repeat(repeats, frame);
      } catch {
        // As the browser made it: a voice is sent, whatever happens here.
      }
      controller.enqueue(frame);
    },
  });
  // Ends with its connection, and that is all there is to say of it.
  transformer.readable.pipeThrough(stream).pipeTo(transformer.writable).catch(() => {});
});

postMessage("ready");
