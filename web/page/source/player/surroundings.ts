import {openSocket} from "../access/ask";
import type {Nodes} from "../nodes";
import type {Holder, Link, LinkEvents, Surroundings} from "./block_pool";

// What the browser gives the block pool: WebSockets, /route at any node, a clock.
export function browserSurroundings(nodes: Nodes, name: string): Surroundings {
  return {
    connect: openLink,
    route: async () => {
      const response = await nodes.fetchAny(`/route?file=${encodeURIComponent(name)}`);
      if (!response.ok) return [];
      const answer: {replicas: Holder[]} = await response.json();
      return answer.replicas;
    },
    now: () => performance.now(),
    after: (delay, run) => {
      const timer = setTimeout(run, delay);
      return () => clearTimeout(timer);
    },
  };
}

function openLink(holder: Holder, events: LinkEvents): Link {
  const socket = openSocket(holder.ws + "/ws/read");
  socket.binaryType = "arraybuffer";
  let left = false;
  socket.onopen = () => left || events.open();
  socket.onmessage = (event) => left || events.message(event.data as ArrayBuffer | string);
  socket.onclose = () => left || events.closed();
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => {
      left = true;
      socket.close();
    },
  };
}
