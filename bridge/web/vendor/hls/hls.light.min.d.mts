// What /watch uses of hls.js 1.7.4 (npm, light build).
interface Options {
  enableWorker?: boolean;
  liveSyncDuration?: number;
  liveMaxLatencyDuration?: number;
  maxLiveSyncPlaybackRate?: number;
  backBufferLength?: number;
}
interface Fault {
  fatal: boolean;
  type: string;
  response?: { code: number };
}
export default class Hls {
  static isSupported(): boolean;
  static readonly Events: { readonly ERROR: "hlsError" };
  static readonly ErrorTypes: { readonly MEDIA_ERROR: string };
  constructor(options?: Options);
  readonly latency: number;
  on(event: "hlsError", taken: (event: string, fault: Fault) => void): void;
  loadSource(url: string): void;
  attachMedia(video: HTMLVideoElement): void;
  recoverMediaError(): void;
  destroy(): void;
}
