import {signal} from "@preact/signals";

// The time of day (ms), for what tells how long something still takes: it moves twice a minute.

const step = 30_000; // ms

export const minute = signal(Date.now());
setInterval(() => (minute.value = Date.now()), step);
