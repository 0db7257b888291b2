import type {Story} from "../../cluster/story";
import {host} from "../../format";
import {language} from "../../text";
import {counted, t} from "./words";

// The sentences of a story.

export interface Step {
  sentence: string;
  state: "past" | "now" | "well";
}

type Called = (node: string) => string;

export function headline(story: Story, name: string): string {
  if (story.kind === "return") return t("story_return", name);
  const scare = story.dead === undefined && story.back !== undefined;
  return t(scare ? "story_scare" : "story_death", name);
}

// What happened so far, in order; `called` names a node for people.
export function steps(story: Story, called: Called): Step[] {
  const name = called(story.node);
  const list: Step[] = [];
  const tell = (sentence: string, state: Step["state"] = "past") => list.push({sentence, state});
  if (story.kind === "return") tell(t("step_returned", name));
  else tell(t("step_suspect", name), known(story) ? "past" : "now");
  if (story.dead !== undefined) tell(t("step_dead", name, spent(story.dead - story.began)));
  if (story.moved) tell(t("step_moved", host(story.moved.to), spent(story.moved.after)));
  const sent = Object.values(story.clients).reduce((sum, each) => sum + each, 0);
  if (sent > 0) tell(counted("step_clients", sent, clientsOf(story, called)));
  const pairs = pairsOf(story, called);
  if (pairs) tell(t("step_copying", pairs));
  if (story.kind === "return" || story.dead !== undefined) list.push(copies(story, name));
  if (story.back !== undefined) {
    const key = story.dead === undefined ? "step_answered" : "step_back";
    tell(t(key, spent(story.back - story.began)), "well");
  }
  return list;
}

function known(story: Story): boolean {
  return story.dead !== undefined || story.back !== undefined;
}

function clientsOf({clients}: Story, called: Called): string {
  const sorted = Object.entries(clients).sort((a, b) => b[1] - a[1]);
  return sorted.map(([node, count]) => `${called(node)} (${count})`).join(", ");
}

const pairsShown = 6;

function pairsOf({copies}: Story, called: Called): string {
  const sorted = Object.entries(copies).filter(([, count]) => count > 0);
  sorted.sort((a, b) => b[1] - a[1]);
  const shown = sorted.slice(0, pairsShown).map(([pair, count]) => {
    const [from, to] = pair.split(" ") as [string, string];
    return from ? t("step_pair", called(from), called(to), count) : `${called(to)} (${count})`;
  });
  return shown.join(", ") + (sorted.length > pairsShown ? ", …" : "");
}

function copies(story: Story, name: string): Step {
  const {missing, mostMissing, pending} = story;
  if (missing === 0 && pending === 0) {
    if (mostMissing > 0) return {sentence: counted("step_made", mostMissing), state: "well"};
    const looking = story.over === undefined;
    return {sentence: t(looking ? "step_looking" : "step_none"), state: looking ? "now" : "well"};
  }
  if (!story.roomFor) return {sentence: counted("step_no_room", missing), state: "now"};
  const waits = pending === 0 && missing === mostMissing && story.kind === "death";
  if (waits) return {sentence: counted("step_waiting", missing, name), state: "now"};
  return {sentence: t("step_making", mostMissing - missing, mostMissing), state: "now"};
}

// Seconds, as short as they are precise.
export function spent(milliseconds: number): string {
  const digits = milliseconds < 60_000 ? 1 : 0;
  const format = {minimumFractionDigits: digits, maximumFractionDigits: digits};
  return (Math.max(0, milliseconds) / 1000).toLocaleString(language, format);
}
