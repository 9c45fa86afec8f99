//! What a visitor can set: time, the cache, the traffic, and single requests by hand.

use super::journal::money;
use super::lab::with;
use super::model::{Action, Report};
use super::scene_view::shown;
use crate::text::{fixed, number};
use larder_sim::Pattern;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

const SPEEDS: &[f64] = &[0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
/// Seconds; 0, at the end, is none.
const TTLS: &[u32] = &[1, 2, 3, 5, 10, 20, 30, 60, 120, 0];
const RATES: &[u32] = &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];
/// Per thousand.
const SHARES: &[u32] = &[0, 10, 20, 50, 100, 200, 300, 500];

/// What the controls show, and where they send what is done with them.
pub(crate) struct Controls<'a> {
    pub(crate) report: &'a Report,
    /// What a write does while there is a cache.
    pub(crate) writes: Pattern,
    pub(crate) act: &'a Callback<Action>,
}

/// All controls.
pub(crate) fn controls(props: &Controls<'_>) -> Html {
    html! {
        <section class="controls" aria-label="Controls">
            { cache(props) }
            { time(props) }
            { traffic(props) }
            { by_hand(props) }
        </section>
    }
}

fn cache(props: &Controls<'_>) -> Html {
    let on = props.report.pattern != Pattern::NoCache;
    let switch = emit(props.act, Action::Cache(!on));
    let writes = [
        (Pattern::LazyLoading, "Lazy loading", "a write changes the database only"),
        (Pattern::LazyWithInvalidation, "Lazy + delete", "a write deletes the key as well"),
        (Pattern::WriteThrough, "Write-through", "a write stores the new row as well"),
    ];
    let ttl = nearest(
        TTLS,
        |&ttl| f64::from(ttl.wrapping_sub(1)),
        f64::from(props.report.ttl_s.wrapping_sub(1)),
    );
    let act = props.act;
    html! {
        <fieldset class="group">
            <legend>{ "Cache" }</legend>
            <div class="row apart">
            <button type="button" role="switch" class="switch" aria-checked={on.to_string()} onclick={switch}>
                <span class="knob" aria-hidden="true" />{ if on { "Cache on" } else { "Cache off" } }
            </button>
                <button type="button" id="restart" title="Kill the cache; it comes back empty"
                    onclick={emit(props.act, Action::Restart)}>{ "Restart cache" }</button>
            </div>
            <div class="segments" role="group" aria-label="What a write does">
                { for writes.into_iter().map(|(pattern, name, title)| html! {
                    <button type="button" {title} aria-pressed={(props.writes == pattern).to_string()}
                        onclick={emit(props.act, Action::Writes(pattern))}>{ name }</button>
                }) }
            </div>
            { slider("ttl", "TTL", TTLS.len(), ttl, ttl_text(props.report.ttl_s),
                act.reform(|i| Action::Ttl(TTLS[i]))) }
        </fieldset>
    }
}

fn time(props: &Controls<'_>) -> Html {
    let paused = props.report.paused;
    let speed = nearest(SPEEDS, |&s| s.ln(), props.report.speed.max(0.01).ln());
    let act = props.act;
    html! {
        <fieldset class="group">
            <legend>{ "Time" }</legend>
            <div class="row">
                <button type="button" id="pause" aria-pressed={paused.to_string()}
                    onclick={emit(props.act, Action::Pause(!paused))}>
                    { if paused { "Go on" } else { "Pause" } }
                </button>
                <button type="button" id="step" title="On to the end of one request"
                    onclick={emit(props.act, Action::Step)}>{ "Step" }</button>
            </div>
            { slider("speed", "Speed", SPEEDS.len(), speed, format!("{}×", number(props.report.speed)),
                act.reform(|i| Action::Speed(SPEEDS[i]))) }
            if let Some(reached) = props.report.reached {
                <p class="note">{ format!("This browser reaches {}×.", fixed(reached, 1)) }</p>
            }
        </fieldset>
    }
}

fn traffic(props: &Controls<'_>) -> Html {
    let traffic = props.report.traffic;
    let rate = nearest(RATES, |&r| f64::from(r).ln(), f64::from(traffic.rate_per_s.max(1)).ln());
    let share = nearest(SHARES, |&s| f64::from(s), f64::from(traffic.write_permille));
    let act = props.act;
    html! {
        <fieldset class="group">
            <legend>{ "Traffic" }</legend>
            <div class="row">
                <button type="button" id="traffic" role="switch" class="switch small"
                    aria-checked={traffic.running.to_string()}
                    onclick={emit(props.act, with(traffic, |t| t.running = !t.running))}>
                    <span class="knob" aria-hidden="true" />{ "Automatic" }
                </button>
            </div>
            { slider("rate", "Rate", RATES.len(), rate, format!("{}/s", traffic.rate_per_s),
                act.reform(move |i| with(traffic, |t| t.rate_per_s = RATES[i]))) }
            { slider("share", "Writes", SHARES.len(), share, format!("{} %", traffic.write_permille / 10),
                act.reform(move |i| with(traffic, |t| t.write_permille = SHARES[i]))) }
        </fieldset>
    }
}

fn by_hand(props: &Controls<'_>) -> Html {
    let report = &props.report;
    let act = props.act.clone();
    let onchange = Callback::from(move |event: Event| {
        let chosen = event.target_dyn_into::<HtmlSelectElement>().map(|select| select.value());
        if let Some(id) = chosen.and_then(|value| value.parse().ok()) {
            act.emit(Action::Choose(id));
        }
    });
    let view = report.rows.iter().find(|view| view.row.id == report.chosen);
    html! {
        <fieldset class="group">
            <legend>{ "By hand" }</legend>
            <label class="unseen" for="product">{ "Product" }</label>
            <select id="product" {onchange}>
                { for report.rows.iter().map(|view| html! {
                    <option key={view.row.id} value={view.row.id.to_string()}
                        selected={view.row.id == report.chosen}>
                        { format!("{} {}", view.row.id, view.row.name) }
                    </option>
                }) }
            </select>
            <div class="row">
                <button type="button" id="read" onclick={emit(props.act, Action::Read)}>{ "Read one" }</button>
                <button type="button" id="write" onclick={emit(props.act, Action::Write)}>{ "Write one" }</button>
            </div>
            <p class="note">{ for view.map(|view| {
                let (state, left) = shown(view);
                html! { <>{ money(view.row.price_cents) }{ " · " }{ state }{ " " }{ left }</> }
            }) }</p>
        </fieldset>
    }
}

/// A slider over a few chosen values.
fn slider(
    id: &'static str,
    name: &'static str,
    steps: usize,
    at: usize,
    shown: String,
    set: Callback<usize>,
) -> Html {
    let oninput = Callback::from(move |event: InputEvent| {
        let value = event.target_dyn_into::<HtmlInputElement>().map(|input| input.value());
        if let Some(at) = value.and_then(|value| value.parse().ok()).filter(|&at| at < steps) {
            set.emit(at);
        }
    });
    html! {
        <div class="slider">
            <label for={id}>{ name }</label>
            <input type="range" {id} min="0" max={(steps - 1).to_string()} value={at.to_string()}
                aria-valuetext={shown.clone()} {oninput} />
            <output for={id}>{ shown }</output>
        </div>
    }
}

/// The index of the step closest to a value, on a scale of the caller's.
fn nearest<T>(steps: &[T], scale: impl Fn(&T) -> f64, value: f64) -> usize {
    let distance = |i: &usize| (scale(&steps[*i]) - value).abs();
    (0..steps.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0)
}

fn ttl_text(seconds: u32) -> String {
    if seconds == 0 { "none".to_owned() } else { format!("{seconds} s") }
}

fn emit<E>(act: &Callback<Action>, action: Action) -> Callback<E> {
    act.reform(move |_| action.clone())
}
