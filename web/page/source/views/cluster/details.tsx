import type {ComponentChildren} from "preact";
import {useEffect, useLayoutEffect, useRef} from "preact/hooks";
import {useSignal, type Signal} from "@preact/signals";
import {drain, operate, stopped, viewOf, type Deed} from "./operate";
import {may} from "../../access/rights";
import {bytes, host} from "../../format";
import {choose} from "../../route";
import {cluster} from "../../state";
import type {Cluster, Member} from "../../types";
import {marks, standing} from "./members";
import {t} from "./words";

type View = Cluster | "asking" | "silent";
const askEvery = 2000; // ms

// Of the chosen node, else of the one that this page talks to.
export function Details({member, chosen}: {member: Member; chosen: boolean}) {
  const view = useView(member);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (chosen) title.current?.scrollIntoView({block: "nearest"});
  }, [chosen]);
  return (
    <section class="card details" aria-labelledby="details-title" data-details={member.node}>
      <div class="card-head">
        <h2 id="details-title" ref={title}>
          {t("details_of", host(member.http))}
        </h2>
        {chosen ? (
          <button class="quiet close" onClick={() => close(member)}>
            {t("close_details")}
          </button>
        ) : (
          <span class="muted">{t("this_page")}</span>
        )}
      </div>
      <Facts member={member} view={view.value} />
      {member.draining && member.state === "alive" && (
        <p class="short" data-draining>
          {t("draining_now", member.copies)}
        </p>
      )}
      {member.state === "left" && <p class="muted">{t("drained")}</p>}
      <Deeds member={member} silent={view.value === "silent"} />
    </section>
  );
}

function close({node}: Member): void {
  choose(undefined);
  document.querySelector<HTMLElement>(`tr[data-node="${node}"] .choose`)?.focus();
}

// What the node itself says, asked again and again while it is shown.
function useView(member: Member): Signal<View> {
  const view = useSignal<View>("asking");
  useEffect(() => {
    let shown = true;
    let timer: ReturnType<typeof setTimeout>;
    const ask = async () => {
      const answer = await viewOf(member);
      if (!shown) return;
      view.value = answer ?? "silent";
      timer = setTimeout(ask, askEvery);
    };
    void ask();
    return () => {
      shown = false;
      clearTimeout(timer);
    };
  }, [member.http]);
  return view;
}

function Facts({member, view}: {member: Member; view: View}) {
  const state = standing(member);
  const there = member.state === "alive" || member.state === "suspect";
  const known = typeof view === "object" ? view : undefined;
  return (
    <dl class="facts">
      <Fact name={t("state")} kind={state}>
        <span aria-hidden="true">{marks[state]} </span>
        {t(state)}
      </Fact>
      <Fact name={t("load")}>{there ? member.load.toFixed(2) : "–"}</Fact>
      <Fact name={t("rate")}>{there ? `${bytes(member.bytes_per_second)}/s` : "–"}</Fact>
      <Fact name={t("holds")}>{member.copies}</Fact>
      <Fact name={t("disk")}>{there ? `${Math.round(member.disk_used * 100)}\u00a0%` : "–"}</Fact>
      <Fact name={t("version")}>{known?.version ?? "–"}</Fact>
      <Fact name={t("capacity")} wide>
        {there ? t("capacity_at_once", member.capacity.toFixed(1), member.in_flight) : "–"}
      </Fact>
      <Fact name={t("its_view")} wide kind={known && !known.in_touch ? "bad" : ""}>
        {sentenceOf(view)}
      </Fact>
      <Fact name={t("address")} wide>
        <a href={member.http + "/"}>{member.http}</a>
      </Fact>
      <Fact name={t("identity")} wide>
        <code>{member.node}</code>
      </Fact>
    </dl>
  );
}

function sentenceOf(view: View): string {
  if (view === "asking") return t("view_asking");
  if (view === "silent") return t("view_silent");
  if (view.fenced) return t("view_fenced", view.fenced);
  return t(view.in_touch ? "view_in_touch" : "view_out_of_touch");
}

interface FactProps {
  name: string;
  kind?: string;
  wide?: boolean;
  children: ComponentChildren;
}

function Fact({name, kind = "", wide, children}: FactProps) {
  return (
    <div class={wide ? "wide" : ""}>
      <dt class="muted">{name}</dt>
      <dd class={kind}>{children}</dd>
    </div>
  );
}

function Deeds({member, silent}: {member: Member; silent: boolean}) {
  const asking = useSignal(false);
  const drainButton = useRef<HTMLButtonElement>(null);
  const group = useRef<HTMLDivElement>(null);
  useKeptFocus(group);
  const done = () => {
    asking.value = false;
    requestAnimationFrame(() => drainButton.current?.focus());
  };
  if (asking.value) return <ConfirmDrain member={member} done={done} />;
  const {state} = member;
  const there = state === "alive" || state === "suspect";
  const operates = may("admin");
  const deeds = operates && cluster.value?.local ? localDeeds(member, silent) : [];
  const drains = operates && state === "alive" && !member.draining;
  return (
    <div class="actions" role="group" aria-label={t("operate")} ref={group}>
      {there && (
        <a class="button quiet" href={member.http + "/"}>
          {t("open_page")}
        </a>
      )}
      {drains && (
        <button class="quiet drain" ref={drainButton} onClick={() => (asking.value = true)}>
          {t("drain")}
        </button>
      )}
      {deeds.map((deed) => (
        <DeedButton key={deed} deed={deed} member={member} />
      ))}
      {!operates && <p class="muted">{t("needs_admin")}</p>}
    </div>
  );
}

const inPlaceOf: Record<string, string> = {kill: "start", start: "kill", stop: "cont", cont: "stop"};

// When the button with the focus goes, the one that undoes what it did gets it, else another one.
function useKeptFocus(group: {current: HTMLElement | null}): void {
  const before = document.activeElement as HTMLElement | null;
  const had = group.current?.contains(before) ? before : null;
  useLayoutEffect(() => {
    if (!had || had.isConnected || document.activeElement !== document.body) return;
    const next = group.current?.querySelector<HTMLElement>(`.${inPlaceOf[had.dataset.deed ?? ""]}`);
    (next ?? group.current?.querySelector<HTMLElement>("a, button"))?.focus();
  });
}

// A silent node may have been killed or stopped: one that this page stopped only has to go on.
// One that has left runs until its last streams have ended.
function localDeeds({node, state}: Member, silent: boolean): Deed[] {
  if (state === "left") return silent ? ["start"] : [];
  if (stopped.value.has(node)) return ["cont", "kill"];
  if (state === "alive") return ["kill", "stop"];
  return ["start", "cont"];
}

const words = {kill: "kill", start: "restart", stop: "hang", cont: "go_on"} as const;

function DeedButton({deed, member}: {deed: Deed; member: Member}) {
  const busy = useSignal(false);
  const run = async () => {
    busy.value = true;
    await operate(deed, member);
    busy.value = false;
  };
  return (
    <button
      class={deed === "kill" ? `danger ${deed}` : `quiet ${deed}`}
      data-deed={deed}
      aria-disabled={busy.value}
      onClick={() => !busy.value && void run()}
    >
      {t(words[deed])}
    </button>
  );
}

function ConfirmDrain({member, done}: {member: Member; done(): void}) {
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => keep.current?.focus(), []);
  return (
    <div class="confirm" role="group" aria-label={t("drain")}>
      <p>{t("drain_ask")}</p>
      <div class="actions">
        <button class="danger yes" onClick={() => (done(), void drain(member))}>
          {t("drain_yes")}
        </button>
        <button class="quiet" onClick={done} ref={keep}>
          {t("drain_no")}
        </button>
      </div>
    </div>
  );
}
