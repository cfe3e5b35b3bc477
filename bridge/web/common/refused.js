// An HTTP call that the bridge refused, as an exception, and the sentence that people get for one.

/** @import { Problem } from "../types/protocol.js" */
import { problemText, t } from "./i18n.js";

/** Thrown for an answer that is no success; `problem` is the document in it (RFC 9457). */
export class Refused extends Error {
  /** @param {number} status  of HTTP @param {Problem | null} problem */
  constructor(status, problem) {
    super(problem?.detail ?? problem?.title ?? String(status));
    this.status = status;
    this.problem = problem;
  }
}

/**
 * An answer that is a success. Throws `Refused` for any other.
 * @param {Response} response
 */
export async function accepted(response) {
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => null));
  return response;
}

/**
 * A sentence for whatever a call has thrown: the bridge's reason, or that it does not answer.
 * @param {unknown} error
 */
export const errorText = (error) =>
  error instanceof Refused ? problemText(error.problem) : t("page.no_answer");
