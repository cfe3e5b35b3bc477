// Reads a test card (endpoints/webrtc/test_card.py) out of a <video>; injected by the browser tests.
// It is read often, on a machine that has other things to do: only the pixels of the card are looked at.
const cardCanvas = new OffscreenCanvas(1, 1);
const cardContext = cardCanvas.getContext("2d", { willReadFrequently: true });
globalThis.readCard = (video) => {
  if (!video || video.videoWidth < 64 || video.readyState < 2) return null;
  const { videoWidth: width, videoHeight: height } = video;
  // The corner of a meeting room, or the whole width of a test card.
  return readCells(video, height * (37 / 45), width / 40, height * (2 / 45)) ?? readCells(video, 0, width / 16, height / 9);
};
const readCells = (video, from, column, row) => {
  const top = Math.floor(from);
  [cardCanvas.width, cardCanvas.height] = [Math.ceil(16 * column), Math.ceil(from - top + 4 * row)];
  const { width, height } = cardCanvas;
  cardContext.drawImage(video, 0, top, width, height, 0, 0, width, height);
  const { data } = cardContext.getImageData(0, 0, width, height);
  const luma = (x, y) => {
    const at = 4 * (Math.floor(y) * width + Math.floor(x));
    return 0.2126 * data[at] + 0.7152 * data[at + 1] + 0.0722 * data[at + 2];
  };
  const bytes = new Uint8Array(8);
  for (let bit = 0; bit < 64; bit += 1) {
    const x = ((bit % 16) + 0.5) * column;
    const y = from - top + (Math.floor(bit / 16) + 0.5) * row;
    let sum = 0;
    for (const dx of [-1, 0, 1]) for (const dy of [-1, 0, 1]) sum += luma(x + dx, y + dy);
    if (sum / 9 > 128) bytes[bit >> 3] |= 0x80 >> (bit & 7);
  }
  let crc = 0xffff;
  for (const byte of bytes.slice(0, 6)) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; i += 1) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc === ((bytes[6] << 8) | bytes[7]) ? bytes[0] : null;
};
// Numbers seen: the programme, and every tile by point.
globalThis.seenProgramme = () => readCard(document.querySelector("#stage .picture"));
globalThis.seen = () => ({
  programme: seenProgramme(),
  tiles: Object.fromEntries(
    [...document.querySelectorAll("[data-point]:has(video)")].map((tile) => [tile.dataset.point, readCard(tile.querySelector("video"))]),
  ),
});
