import {effect, signal} from "@preact/signals";
import {openSocket} from "../access/ask";
import {cluster} from "../state";
import {heardOther, silentOther} from "./live";
import {Others} from "./others";

// While the cluster is looked at, every node is heard; not by a tab that nobody sees.

export const unheard = signal(0); // nodes

const hiddenFor = 60_000; // ms

function openFeed(url: string, heard: (news: never) => void, ended: () => void) {
  const socket = openSocket(url);
  socket.onmessage = ({data}) => heard(JSON.parse(String(data)) as never);
  socket.onclose = ended;
  return socket;
}

function after(delay: number, run: () => void): () => void {
  const timer = setTimeout(run, delay);
  return () => clearTimeout(timer);
}

// Answers what ends it.
export function hearEveryone(): () => void {
  const others = new Others({open: openFeed, after, heard: heardOther, silent: silentOther});
  const seen = signal(true);
  let stopWaiting = () => {};
  const look = () => {
    stopWaiting();
    if (!document.hidden) seen.value = true;
    else stopWaiting = after(hiddenFor, () => (seen.value = false));
  };
  look();
  document.addEventListener("visibilitychange", look);
  const stopFollowing = effect(() => {
    const {members, self} = (seen.value && cluster.value) || {members: [], self: ""};
    unheard.value = others.follow(members, self);
  });
  return () => {
    document.removeEventListener("visibilitychange", look);
    stopWaiting();
    stopFollowing();
    others.close();
    unheard.value = 0;
  };
}
