import {bytes, host} from "../format";
import {cluster, connection, events} from "../state";
import {t} from "../text";
import type {Member} from "../types";

// Shape and word say the state; colour only repeats it.
const shapes: Record<Member["state"], string> = {alive: "●", suspect: "◐", dead: "✕", left: "○"};

export function ClusterPanel() {
  const now = cluster.value;
  if (!now) return null;
  const members = [...now.members].sort((a, b) =>
    a.http.localeCompare(b.http, "en", {numeric: true}),
  );
  const short = now.under_replicated;
  const busiest = Math.max(4, ...members.map((member) => member.load));
  return (
    <section class="card">
      <div class="card-head">
        <h2>{t("cluster")}</h2>
        <p class={short > 0 ? "short" : "muted"} role="status">
          {short > 0 ? t("under_replicated", short) : t("all_replicated")}
          {now.repairs_pending > 0 && ` · ${t("repairs", now.repairs_pending)}`}
        </p>
      </div>
      {!now.in_touch && (
        <p class="problem" role="alert">
          {t("out_of_touch")}
        </p>
      )}
      {now.lost > 0 && (
        <p class="problem" role="alert" data-problem="lost">
          {t("lost_files", now.lost)}
        </p>
      )}
      {now.fenced && (
        <p class="problem" role="alert" data-problem="fenced">
          {t("fenced", now.fenced)}
        </p>
      )}
      <div class="scroll" role="region" aria-label={t("cluster")} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("node")}</th>
              <th scope="col">{t("state")}</th>
              <th scope="col">{t("load")}</th>
              <th scope="col" class="number">
                {t("holds")}
              </th>
              <th scope="col" class="number extra">
                {t("rate")}
              </th>
              <th scope="col" class="number extra">
                {t("disk")}
              </th>
            </tr>
          </thead>
          <tbody>
            {members.map((member) => (
              <Row key={member.node} member={member} busiest={busiest} />
            ))}
          </tbody>
        </table>
      </div>
      {events.value.length > 0 && (
        <details>
          <summary>{t("events")}</summary>
          <ul class="events">
            {events.value.map((event) => (
              <li key={event}>{event}</li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Row({member, busiest}: {member: Member; busiest: number}) {
  const here = member.http === connection.value.origin;
  const state = member.draining && member.state === "alive" ? "draining" : member.state;
  return (
    <tr class={member.state} data-node={member.node} data-state={member.state}>
      <th scope="row">
        <a href={member.http + "/"}>{host(member.http)}</a>
        {here && <span class="muted here">{t("this_page")}</span>}
      </th>
      <td class="state">
        <span aria-hidden="true">{shapes[member.state]} </span>
        {t(state)}
      </td>
      <td>
        <meter class="extra" max={busiest} value={member.load} aria-hidden="true" />{" "}
        {member.load.toFixed(1)}
      </td>
      <td class="number">{member.copies}</td>
      <td class="number extra">{bytes(member.bytes_per_second)}/s</td>
      <td class="number extra">{Math.round(member.disk_used * 100)} %</td>
    </tr>
  );
}
