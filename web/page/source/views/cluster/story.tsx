import type {Story} from "../../cluster/story";
import {host} from "../../format";
import {nodeName} from "../../state";
import {language} from "../../text";
import {counted, t} from "./words";

interface Step {
  sentence: string;
  state: "past" | "now" | "well";
}

const signs = {past: "•", now: "…", well: "✓"};

export function StoryCard({story}: {story: Story}) {
  const name = nodeName(story.node);
  const over = story.over !== undefined;
  return (
    <section
      class={over ? "card story over" : "card story"}
      aria-labelledby={`story-${story.id}`}
      data-story={story.kind}
      data-node={story.node}
      data-over={over}
    >
      <div class="card-head">
        <h2 id={`story-${story.id}`}>{headline(story, name)}</h2>
        <span class={over ? "pill" : "pill waiting"}>
          {over ? t("story_done", spent(story.over! - story.began)) : t("story_running")}
        </span>
      </div>
      <ol class="steps">
        {steps(story, name).map(({sentence, state}, i) => (
          <li key={i} class={state}>
            <span aria-hidden="true">{signs[state]} </span>
            {sentence}
          </li>
        ))}
      </ol>
    </section>
  );
}

export function headline(story: Story, name: string): string {
  if (story.kind === "return") return t("story_return", name);
  const scare = story.dead === undefined && story.back !== undefined;
  return t(scare ? "story_scare" : "story_death", name);
}

export function steps(story: Story, name: string): Step[] {
  const list: Step[] = [];
  const tell = (sentence: string, state: Step["state"] = "past") => list.push({sentence, state});
  if (story.kind === "return") tell(t("step_returned", name));
  else tell(t("step_suspect", name), known(story) ? "past" : "now");
  if (story.dead !== undefined) tell(t("step_dead", name, spent(story.dead - story.began)));
  if (story.moved) tell(t("step_moved", host(story.moved.to), spent(story.moved.after)));
  const clients = clientsOf(story);
  if (clients) tell(t("step_clients", clients));
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

function clientsOf({clients}: Story): string {
  const sorted = Object.entries(clients).sort((a, b) => b[1] - a[1]);
  return sorted.map(([node, count]) => `${nodeName(node)} (${count})`).join(", ");
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
  return {sentence: counted("step_making", missing || pending, mostMissing), state: "now"};
}

// Seconds, as short as they are precise.
export function spent(milliseconds: number): string {
  const digits = milliseconds < 60_000 ? 1 : 0;
  const format = {minimumFractionDigits: digits, maximumFractionDigits: digits};
  return (Math.max(0, milliseconds) / 1000).toLocaleString(language, format);
}
