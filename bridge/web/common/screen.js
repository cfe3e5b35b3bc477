// Sharing of this computer's screen: the browser's question, the track, and the conference's content.

/** @import { ShareCommand, StopShareCommand } from "../types/protocol.js" */
/** @import { Client } from "./client.js" */

const FRAME_RATE = 15; // pictures a second at the most: slides and documents

/** The screen that a page shares. */
export class Screen {
  /**
   * @param {Client} client
   * @param {(command: ShareCommand | StopShareCommand) => Promise<boolean>} command  gives a command and says what came of it
   */
  constructor(client, command) {
    this.client = client;
    this.command = command;
    this.starting = false;
  }

  get shared() {
    return this.client.media.screen !== null;
  }

  /** Whether the conference shows this page's screen. */
  get shown() {
    const { self, user, conference } = this.client.state;
    return conference?.content === (self ? `point:${self}` : `user:${user}`);
  }

  /** Ask the browser for a screen and show it to everyone. Resolves false where there is none. */
  async start() {
    this.starting = true;
    try {
      const video = { frameRate: { max: FRAME_RATE } };
      const stream = await navigator.mediaDevices.getDisplayMedia({ video });
      const [track] = stream.getVideoTracks();
      track.onended = () => this.stop();
      await this.put(track);
      if (!(await this.command({ type: "share" }))) await this.put(null);
      return true;
    } catch {
      return false; // not allowed, or the person has closed the question
    } finally {
      this.starting = false;
    }
  }

  async stop() {
    if (this.shown) await this.command({ type: "stop_share" });
    await this.put(null);
  }

  /** Stop sending a screen that the conference shows no longer. */
  async yield() {
    if (this.shared && !this.starting && !this.shown) await this.put(null);
  }

  /** @param {MediaStreamTrack | null} track */
  async put(track) {
    await this.client.media.share(track);
    this.client.tell();
  }
}
