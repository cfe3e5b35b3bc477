// Bringing a paper of the case into the call, and showing it on both screens.

/** @import { Client } from "../common/client.js" */
/** @import { Outcome } from "../common/protocol.js" */
/** @import { Paper } from "../types/protocol.js" */
import { UNSENT } from "../common/protocol.js";
import { sessionCall } from "../common/session_call.js";

const PATIENCE = 120000; // ms for a large file over a slow line

/**
 * Take a file in and show its first page to both; what came of showing it. Neither is lost where the
 * connection is away for a moment: both wait for it. It is shown in the call into which it was brought and in
 * no later one. Throws what `sessionCall` throws.
 * @param {Pick<Client, "connected" | "connection" | "link" | "state">} client
 * @param {File} file
 * @returns {Promise<Outcome>}
 */
export async function bringPaper(client, file) {
  const call = client.state.conference?.id ?? "";
  await client.connected();
  const response = await sessionCall(client.connection.session, "/room/papers", { method: "POST", body: file, patience: PATIENCE });
  const paper = /** @type {Paper} */ (await response.json());
  for (;;) {
    const outcome = await client.connection.command(call, { type: "show_page", paper: paper.id, page: 1, point: client.state.self ?? "" });
    if (outcome.key !== UNSENT || client.link === "ended") return outcome;
    await client.connected();
  }
}
