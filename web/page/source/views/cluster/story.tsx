import type {Story} from "../../cluster/story";
import {nodeName} from "../../state";
import {headline, spent, steps} from "./steps";
import {t} from "./words";

const signs = {past: "•", now: "…", well: "✓"};

export function StoryCard({story}: {story: Story}) {
  const name = nodeName(story.node);
  const over = story.over !== undefined;
  return (
    <article
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
        {steps(story, nodeName).map(({sentence, state}, i) => (
          <li key={i} class={state}>
            <span aria-hidden="true">{signs[state]} </span>
            {sentence}
          </li>
        ))}
      </ol>
    </article>
  );
}
