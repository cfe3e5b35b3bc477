// Reads a test card (endpoints/webrtc/test_card.py) out of a <video>; injected by the browser tests.
globalThis.readCard = (video) => {
  if (!video || video.videoWidth < 64 || video.readyState < 2) return null;
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
  const luma = (x, y) => {
    const at = 4 * (Math.floor(y) * width + Math.floor(x));
    return 0.2126 * data[at] + 0.7152 * data[at + 1] + 0.0722 * data[at + 2];
  };
  // The whole width of a test card, or the corner of a meeting room.
  return readCells(luma, 0, 0, width / 16, height / 9)
    ?? readCells(luma, 0, height * (37 / 45), width / 40, height * (2 / 45));
};
const readCells = (luma, left, top, column, row) => {
  const bytes = new Uint8Array(8);
  for (let bit = 0; bit < 64; bit += 1) {
    const x = left + ((bit % 16) + 0.5) * column;
    const y = top + (Math.floor(bit / 16) + 0.5) * row;
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
globalThis.seen = () => ({
  programme: readCard(document.querySelector("#stage .picture")),
  tiles: Object.fromEntries(
    [...document.querySelectorAll("[data-point]:has(video)")].map((tile) => [tile.dataset.point, readCard(tile.querySelector("video"))]),
  ),
});
