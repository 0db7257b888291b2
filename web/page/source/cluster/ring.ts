// Where the nodes stand: in a ring, the first one at the top, clients in the middle.

export const width = 420;
export const height = 380;
export const centre = {x: width / 2, y: height / 2};

export interface Point {
  x: number;
  y: number;
}

export interface Place extends Point {
  angle: number; // 0 is to the right, clockwise
  label: Point & {anchor: "start" | "middle" | "end"};
}

export interface Ring {
  places: Place[];
  node: number; // radius of a node
  radius: number; // of the ring
  crowded: boolean; // no room for more than a short name
}

const radius = 124;
const largest = 27;
const gap = 0.36; // of the room that each node has

export function ring(count: number): Ring {
  const room = (2 * Math.PI * radius) / Math.max(count, 1);
  const node = Math.min(largest, room * gap);
  const places = Array.from({length: count}, (_, i) => place(i, count, node));
  return {places, node, radius, crowded: count > 12};
}

function place(i: number, count: number, node: number): Place {
  const angle = (2 * Math.PI * i) / count - Math.PI / 2;
  const at = (distance: number) => around(angle, distance);
  const side = Math.cos(angle);
  const anchor = side > 0.2 ? "start" : side < -0.2 ? "end" : "middle";
  return {...at(radius), angle, label: {...at(radius + node + 11), anchor}};
}

export function around(angle: number, distance: number): Point {
  return {x: centre.x + distance * Math.cos(angle), y: centre.y + distance * Math.sin(angle)};
}

// The line from one point to another, from and to the rims of circles, bent towards the middle.
export function bent(from: Point, to: Point, rim: number, bend = 0.35): string {
  const middle = {x: (from.x + to.x) / 2, y: (from.y + to.y) / 2};
  const control = {
    x: middle.x + (centre.x - middle.x) * bend,
    y: middle.y + (centre.y - middle.y) * bend,
  };
  const [start, end] = [towards(from, control, rim), towards(to, control, rim + 5)];
  return `M${pair(start)}Q${pair(control)} ${pair(end)}`;
}

export function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const part = distance / length;
  return {x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part};
}

export function pair({x, y}: Point): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

// So much of a circle, clockwise from the top: how loaded a node is.
export function arc({x, y}: Point, size: number, part: number): string {
  const share = Math.max(0, Math.min(part, 0.9999));
  const angle = share * 2 * Math.PI - Math.PI / 2;
  const end = {x: x + size * Math.cos(angle), y: y + size * Math.sin(angle)};
  return `M${pair({x, y: y - size})}A${size} ${size} 0 ${share > 0.5 ? 1 : 0} 1 ${pair(end)}`;
}

// Names as short as they can be told apart: ":7702" when all nodes are on one host.
export function shortNames(hosts: readonly string[]): string[] {
  const machines = new Set(hosts.map((each) => each.replace(/:\d+$/, "")));
  const ports = hosts.map((each) => /:\d+$/.exec(each)?.[0]);
  if (machines.size === 1 && ports.every(Boolean)) return ports as string[];
  const samePort = new Set(ports).size === 1;
  return samePort ? hosts.map((each) => each.replace(/:\d+$/, "")) : [...hosts];
}
