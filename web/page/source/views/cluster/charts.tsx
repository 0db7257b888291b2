import {useEffect, useRef} from "preact/hooks";
import {effect, useSignal} from "@preact/signals";
import type uPlot from "uplot";
import {history, seconds} from "../../cluster/live";
import {samplesKept, type Track} from "../../cluster/history";
import {bytes} from "../../format";
import {chosenNode} from "../../route";
import {onColours} from "../../theme";
import {members, names} from "./members";
import {t} from "./words";

// Load and bytes sent of each node. The drawing part is fetched when the charts are first seen.

const high = 170;
const hues = 6;
const dashes = [[], [6, 4], [2, 3], [10, 3, 2, 3], [14, 4]];
const ways = {
  load: {title: "chart_load", tell: (value: number) => value.toFixed(1)},
  bytes: {title: "chart_bytes", tell: (value: number) => `${bytes(value)}/s`},
} as const;

export function Charts() {
  return (
    <section class="card" aria-labelledby="charts-title">
      <h2 id="charts-title">{t("charts")}</h2>
      <div class="charts">
        <Chart way="load" />
        <Chart way="bytes" />
      </div>
      <ul class="lines" aria-hidden="true">
        {members.value.map(({node}, i) => (
          <li key={node} class={node === chosenNode.value ? "chosen" : ""}>
            <svg width="26" height="8" viewBox="0 0 26 8">
              <path class={`hue-${i % hues}`} d="M0 4H26" stroke-dasharray={dashOf(i).join(" ")} />
            </svg>
            {names.value.get(node)}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Chart({way}: {way: keyof Track}) {
  const box = useRef<HTMLDivElement>(null);
  const failed = useSignal(false);
  useEffect(() => {
    const end = new AbortController();
    const drawing = import("uplot").then(({default: Plot}) => {
      if (!end.signal.aborted && box.current) draw(Plot, box.current, way, end.signal);
    });
    drawing.catch(() => (failed.value = true));
    return () => end.abort();
  }, []);
  void seconds.value;
  return (
    <figure class="chart">
      <figcaption class="muted" aria-hidden="true">
        {t(ways[way].title)}
      </figcaption>
      {failed.value ? (
        <p class="problem">{t("view_failed")}</p>
      ) : (
        <div ref={box} role="img" aria-label={summary(way)} />
      )}
    </figure>
  );
}

function summary(way: keyof Track): string {
  const {title, tell} = ways[way];
  const latest = members.value.map(({node}) => ({
    name: names.value.get(node)!,
    value: history.tracks.get(node)?.[way].at(-1) ?? 0,
  }));
  latest.sort((a, b) => b.value - a.value);
  const [most] = latest;
  if (!most) return t("chart_none", t(title));
  return t("chart_label", t(title), most.name, tell(most.value));
}

// Draws until it is ended; anew when the nodes, the colours or the chosen node change.
function draw(Plot: typeof uPlot, box: HTMLElement, way: keyof Track, end: AbortSignal): void {
  let plot: uPlot | undefined;
  let drawn = "";
  const show = () => {
    if (end.aborted) return;
    const nodes = members.value.map(({node}) => node);
    const wanted = [chosenNode.value, ...nodes].join();
    const data: uPlot.AlignedData = [
      history.times.slice(),
      ...nodes.map((node) => history.tracks.get(node)?.[way].slice() ?? []),
    ];
    if (plot && drawn === wanted) return plot.setData(data);
    plot?.destroy();
    plot = new Plot(optionsOf(box, way, nodes), data, box);
    drawn = wanted;
  };
  const again = () => {
    drawn = "";
    show();
  };
  const follow = () => {
    void seconds.value;
    show();
  };
  const endings = [effect(follow), onColours(again)];
  const sized = new ResizeObserver(() => plot?.setSize({width: box.clientWidth, height: high}));
  sized.observe(box);
  end.addEventListener("abort", () => {
    for (const each of endings) each();
    sized.disconnect();
    plot?.destroy();
  });
}

function optionsOf(box: HTMLElement, way: keyof Track, nodes: string[]): uPlot.Options {
  const style = getComputedStyle(box);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour("muted"),
    grid: {stroke: colour("line"), width: 1},
    ticks: {stroke: colour("line"), width: 1},
    font: "12px system-ui, sans-serif",
  };
  const series = nodes.map((node, i) => ({
    stroke: colour(`hue-${i % hues}`),
    width: node === chosenNode.value ? 3.5 : 1.5,
    dash: dashOf(i),
    points: {show: false},
  }));
  return {
    width: box.clientWidth,
    height: high,
    legend: {show: false},
    cursor: {show: false},
    scales: {
      x: {range: (_, __, now) => [(now ?? 0) - samplesKept, now ?? 0]},
      y: {range: (_, __, most) => [0, Math.max(most ?? 0, way === "load" ? 2 : 1000) * 1.1]},
    },
    axes: [
      {...axis, values: (_, marks) => marks.map((each) => clock(each)), space: 70},
      {...axis, size: way === "load" ? 52 : 72, values: (_, marks) => marks.map(ways[way].tell)},
    ],
    series: [{}, ...series],
  };
}

function clock(time: number): string {
  return new Date(time * 1000).toTimeString().slice(0, 8);
}

function dashOf(i: number): number[] {
  return dashes[Math.floor(i / hues) % dashes.length] ?? [];
}
