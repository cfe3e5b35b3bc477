// Bringing a paper of the case into the call, and showing it on both screens.

/** @import { Client } from "../common/client.js" */
/** @import { Paper } from "../types/protocol.js" */
import { sessionCall } from "../common/session_call.js";

const PATIENCE = 120000; // ms for a large file over a slow line

/**
 * Take a file in and show its first page to both. Throws `Refused`.
 * @param {Client} client
 * @param {File} file
 */
export async function bringPaper(client, file) {
  const response = await sessionCall(client.connection.session, "/room/papers", { method: "POST", body: file, patience: PATIENCE });
  const paper = /** @type {Paper} */ (await response.json());
  await client.command({ type: "show_page", paper: paper.id, page: 1, point: client.state.self ?? "" });
}
