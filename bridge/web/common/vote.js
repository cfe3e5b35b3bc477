// Votes in words: what can be chosen, how many have chosen what, what it came to. Pure but for the
// catalogue.

/** @import { ConferenceView, VoteResult, VoteView } from "../types/protocol.js" */
import { has, t } from "./i18n.js";

/** The vote that is open, or null. @param {ConferenceView | null} conference @returns {VoteView | null} */
export const openVote = (conference) => conference?.votes.find((vote) => vote.stage === "open") ?? null;

/** A choice where the vote's own words are not known. @param {string} choice */
export const choiceWord = (choice) =>
  has(`vote.choice_${choice}`) ? t(`vote.choice_${choice}`) : t("vote.option", { number: choice });

/** A choice as the vote has it. @param {{options: readonly string[]}} vote @param {string} choice */
export const choiceText = ({ options }, choice) => options[Number(choice) - 1] ?? choiceWord(choice);

/** Votes by choice, as words. @param {{options: readonly string[]}} vote @param {Record<string, number>} counts */
export const countsText = (vote, counts) =>
  Object.entries(counts).map(([choice, votes]) => `${choiceText(vote, choice)}: ${votes}`).join(" · ");

/** What a vote came to, as words. @param {{options: readonly string[]}} vote @param {VoteResult} result */
export function outcomeWord(vote, { outcome, chosen, voted, invited }) {
  const options = chosen.map((choice) => choiceText(vote, choice)).join(" / ");
  return t(`vote.outcome_${outcome}`, { options, voted: String(voted), invited: String(invited) });
}

/** What a vote came to, with its figures. @param {{options: readonly string[]}} vote @param {VoteResult} result */
export const resultText = (vote, result) => `${outcomeWord(vote, result)} · ${countsText(vote, result.counts)}`;
