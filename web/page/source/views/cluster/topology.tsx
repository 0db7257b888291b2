import {useEffect, useRef} from "preact/hooks";
import {flows} from "../../cluster/live";
import {arc, around, bent, centre, height, pair, ring, towards, width} from "../../cluster/ring";
import type {Place, Ring} from "../../cluster/ring";
import type {Flow} from "../../cluster/traffic";
import {choose, chosenNode} from "../../route";
import type {Member} from "../../types";
import {fullLoad, marks, members, names, standing, type Standing} from "./members";
import {t} from "./words";

// The nodes in a ring around their clients. A picture: the table says the same to readers.
export function Topology() {
  const moving = useMovingDots();
  const all = members.value;
  const shape = ring(all.length);
  const places = new Map(all.map(({node}, i) => [node, shape.places[i]!]));
  const states = all.map((each) =>
    t("ring_node", names.value.get(each.node)!, t(standing(each))),
  );
  return (
    <>
      <svg
        class="topology"
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={t("ring_label", all.length, states.join(", "))}
      >
        <Arrows />
        <g ref={moving}>
          {all.map((each) => (
            <Spoke key={each.node} member={each} place={places.get(each.node)!} ring={shape} />
          ))}
        </g>
        <circle class="clients" cx={centre.x} cy={centre.y} r="30" />
        <text class="clients-name" x={centre.x} y={centre.y + 4}>
          {t("clients")}
        </text>
        <Flows places={places} ring={shape} />
        {all.map((member) => (
          <Node key={member.node} member={member} place={places.get(member.node)!} ring={shape} />
        ))}
      </svg>
      <Legend />
    </>
  );
}

const moves = 8; // a second: drawn by hand, for the browser would draw an animation at every frame
const dotsApart = 12.1;

// All dots move with one inherited property of their group.
function useMovingDots() {
  const group = useRef<SVGGElement>(null);
  useEffect(() => {
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let moved = 0;
    const timer = setInterval(() => {
      if (still.matches || document.hidden || !group.current) return;
      moved = (moved + 1) % moves;
      group.current.style.strokeDashoffset = String((-dotsApart * moved) / moves);
    }, 1000 / moves);
    return () => clearInterval(timer);
  }, []);
  return group;
}

const arrowHead = {
  viewBox: "0 0 8 8",
  refX: 6,
  refY: 4,
  markerWidth: 8,
  markerHeight: 8,
  markerUnits: "userSpaceOnUse",
  orient: "auto",
} as const;

function Arrows() {
  const head = (id: string) => (
    <marker id={id} class={id} {...arrowHead}>
      <path d="M0 0L8 4L0 8Z" />
    </marker>
  );
  return (
    <defs>
      {head("repair")}
      {head("redirect")}
    </defs>
  );
}

// From a node to its clients: as wide as much is sent, with dots that move while something is.
function Spoke({member, place, ring: {node}}: {member: Member; place: Place; ring: Ring}) {
  const here = member.self;
  const rate = member.bytes_per_second;
  const there = member.state === "alive" || member.state === "suspect";
  if (!there || (!here && rate < 1)) return null;
  const [start, end] = [towards(place, centre, node + 4), towards(centre, place, 33)];
  const path = `M${pair(start)}L${pair(end)}`;
  return (
    <g>
      <path class={here ? "spoke here" : "spoke"} d={path} />
      {rate >= 1 && <path class="stream" d={path} stroke-width={streamWidth(rate)} />}
    </g>
  );
}

// 1 kB/s is a thread, 100 MB/s a rope.
function streamWidth(rate: number): number {
  return Math.max(2, Math.min(9, Math.log10(Math.max(rate, 1)) * 1.6 - 3));
}

interface FlowsProps {
  places: Map<string, Place>;
  ring: Ring;
}

function Flows({places, ring: shape}: FlowsProps) {
  return (
    <g>
      {flows.value.map((flow) => {
        const {kind, from, to} = flow;
        return <Arrow key={`${kind} ${from} ${to}`} flow={flow} places={places} ring={shape} />;
      })}
    </g>
  );
}

interface ArrowProps extends FlowsProps {
  flow: Flow;
}

const aside = 40;

function Arrow({flow, places, ring: {node, radius}}: ArrowProps) {
  const to = places.get(flow.to);
  if (!to) return null;
  // A copy whose sender is not told comes from outside, beside the name.
  const outside = around(to.angle + aside / radius, radius + node + 22);
  const from = (flow.from && places.get(flow.from)) || outside;
  if (from === to) return null;
  const path =
    from === outside
      ? `M${pair(outside)}L${pair(towards(to, outside, node + 6))}`
      : bent(from, to, node + 3, flow.kind === "repair" ? 0.15 : 0.5);
  const wide = Math.min(6, 1.5 + Math.log2(flow.count));
  const head = `url(#${flow.kind})`;
  return <path class={`flow ${flow.kind}`} d={path} stroke-width={wide} marker-end={head} />;
}

interface NodeProps {
  member: Member;
  place: Place;
  ring: Ring;
}

function Node({member, place, ring: shape}: NodeProps) {
  const state = standing(member);
  const chosen = chosenNode.value === member.node;
  const here = member.self;
  const size = shape.node - 4;
  return (
    <g
      class={`node ${state}${chosen ? " chosen" : ""}`}
      data-node={member.node}
      onClick={() => choose(chosen ? undefined : member.node)}
    >
      {chosen && <circle class="halo" cx={place.x} cy={place.y} r={shape.node + 6} />}
      <Body state={state} place={place} size={size} />
      <circle class="track" cx={place.x} cy={place.y} r={shape.node} />
      {member.load > 0 && (
        <path class="load" d={arc(place, shape.node, member.load / fullLoad.value)} />
      )}
      <text class={shape.crowded ? "inside small" : "inside"} x={place.x} y={place.y + size / 5}>
        {inside(member, shape)}
      </text>
      <Label member={member} place={place} here={here} crowded={shape.crowded} />
    </g>
  );
}

function inside(member: Member, {crowded}: Ring): string {
  const state = standing(member);
  if (state !== "alive") return marks[state];
  return crowded ? "" : String(member.copies);
}

interface BodyProps {
  state: Standing;
  place: Place;
  size: number;
}

function Body({state, place: {x, y}, size}: BodyProps) {
  switch (state) {
    case "dead": {
      const side = size * 1.6;
      const [left, top] = [x - side / 2, y - side / 2];
      return <rect class="body" x={left} y={top} width={side} height={side} rx="3" />;
    }
    case "suspect": {
      const diamond = `M${x} ${y - size}l${size} ${size}l${-size} ${size}l${-size} ${-size}Z`;
      return <path class="body" d={diamond} />;
    }
    default:
      return <circle class="body" cx={x} cy={y} r={size} />;
  }
}

interface LabelProps {
  member: Member;
  place: Place;
  here: boolean;
  crowded: boolean;
}

function Label({member, place, here, crowded}: LabelProps) {
  const {x, y, anchor} = place.label;
  const state = standing(member);
  const words = [!crowded && t(state), here && t("this_page")];
  const below = Math.sin(place.angle) > 0.2;
  const lines = [names.value.get(member.node)!, words.filter(Boolean).join(", ")].filter(Boolean);
  const first = anchor === "middle" && !below ? y - 14 * (lines.length - 1) : below ? y + 8 : y + 4;
  return (
    <text class={crowded ? "label small" : "label"} x={x} y={first} text-anchor={anchor}>
      {lines.map((line, i) => (
        <tspan key={i} class={i === 0 ? "name" : "word"} x={x} dy={i === 0 ? 0 : 14}>
          {line}
        </tspan>
      ))}
    </text>
  );
}

function Legend() {
  const keys = ["load", "copies", "sending", "repair", "redirect"] as const;
  return (
    <ul class="legend muted" aria-hidden="true">
      {keys.map((key) => (
        <li key={key} class={`key-${key}`}>
          {t(`legend_${key}`)}
        </li>
      ))}
    </ul>
  );
}
