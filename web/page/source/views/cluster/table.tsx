import {history, seconds} from "../../cluster/live";
import {bytes, host} from "../../format";
import {choose, chosenNode} from "../../route";
import type {Member} from "../../types";
import {fullLoad, marks, members, names, standing} from "./members";
import {t} from "./words";

export function NodeTable() {
  return (
    <section class="card" aria-labelledby="nodes-title">
      <h2 id="nodes-title">{t("nodes")}</h2>
      <div class="scroll" role="group" aria-labelledby="nodes-title" tabIndex={0}>
        <table>
          <Head />
          <tbody>
            {members.value.map((member) => (
              <Row key={member.node} member={member} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Head() {
  return (
    <thead>
      <tr>
        <th scope="col">{t("node")}</th>
        <th scope="col">{t("state")}</th>
        <th scope="col">{t("load")}</th>
        <th scope="col" class="extra">
          {t("load_recent")}
        </th>
        <th scope="col" class="number">
          {t("holds")}
        </th>
        <th scope="col" class="number">
          {t("rate")}
        </th>
        <th scope="col" class="number extra">
          {t("disk")}
        </th>
      </tr>
    </thead>
  );
}

function Row({member}: {member: Member}) {
  const here = member.self;
  const state = standing(member);
  const full = host(member.http);
  const short = names.value.get(member.node) ?? full;
  const chosen = chosenNode.value === member.node;
  return (
    <tr class={state} data-node={member.node} data-state={member.state}>
      <th scope="row">
        <button
          class="quiet choose"
          aria-pressed={chosen}
          onClick={() => choose(chosen ? undefined : member.node)}
        >
          <span class="for-readers">{t("show_node", "")}</span>
          <span class="extra">{full.slice(0, full.length - short.length)}</span>
          {short}
        </button>
        {here && <span class="muted here">{t("this_page")}</span>}
      </th>
      <td class="state">
        <span aria-hidden="true">{marks[state]} </span>
        {t(state)}
      </td>
      <td>
        <span class="gauge extra" aria-hidden="true">
          <span style={{width: `${(100 * member.load) / fullLoad.value}%`}} />
        </span>
        {member.load.toFixed(1)}
      </td>
      <td class="extra">
        <Sparkline node={member.node} />
      </td>
      <td class="number">{member.copies}</td>
      <td class="number">{bytes(member.bytes_per_second)}/s</td>
      <td class="number extra">{Math.round(member.disk_used * 100)}&nbsp;%</td>
    </tr>
  );
}

const [wide, high, shown] = [90, 22, 60];

function Sparkline({node}: {node: string}) {
  void seconds.value; // drawn again with each sample
  const load = history.tracks.get(node)?.load.slice(-shown) ?? [];
  const full = fullLoad.value;
  let path = "";
  load.forEach((value, i) => {
    if (value === null) return;
    const x = wide - ((load.length - 1 - i) * wide) / (shown - 1);
    const y = high - 2 - (Math.min(value, full) / full) * (high - 4);
    path += `${path === "" || load[i - 1] === null ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return (
    <svg class="sparkline" viewBox={`0 0 ${wide} ${high}`} aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
