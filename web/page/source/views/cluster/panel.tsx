import {useEffect} from "preact/hooks";
import {hearEveryone, unheard} from "../../cluster/everyone";
import {stories} from "../../cluster/live";
import {chosenNode} from "../../route";
import {cluster} from "../../state";
import {Charts} from "./charts";
import {Details} from "./details";
import {Log} from "./log";
import {StoryCard} from "./story";
import {NodeTable} from "./table";
import {Topology} from "./topology";
import {counted, t} from "./words";

export function Panel() {
  useEffect(hearEveryone, []);
  const now = cluster.value;
  if (!now) {
    return (
      <section class="card">
        <h2>{t("cluster")}</h2>
        <p class="muted">{t("cluster_unknown")}</p>
      </section>
    );
  }
  const chosen = now.members.find((each) => each.node === chosenNode.value);
  const here = now.members.find((each) => each.self);
  const shown = chosen ?? here;
  return (
    <>
      <div class="side-by-side">
        <div class="view">
          <section class="card" aria-labelledby="topology-title">
            <h2 id="topology-title">{t("cluster")}</h2>
            <Topology />
            <p class="muted hint">{t("details_hint")}</p>
            {unheard.value > 0 && <p class="muted">{counted("unheard", unheard.value)}</p>}
          </section>
          {stories.value.map((story) => (
            <StoryCard key={story.id} story={story} />
          ))}
        </div>
        {shown && <Details key={shown.node} member={shown} chosen={shown === chosen} />}
      </div>
      <NodeTable />
      <Charts />
      <Log />
    </>
  );
}
