//! The sentence above the drawing, the strip of figures below it, and the log.

use super::figures::Figures;
use super::journal::Entry;
use super::marks::mark;
use super::model::Action;
use crate::scene::draw::millis;
use crate::text::fixed;
use larder_sim::Pattern;
use yew::prelude::*;

/// Entries of the log that are shown.
const SHOWN: usize = 40;

/// What is going on, in a sentence or two.
pub(crate) fn sentence(figures: &Figures, pattern: Pattern, before: Option<&Figures>) -> String {
    let rate = fixed(figures.database_reads_per_s, 0);
    let miss = figures.miss_ms.map_or_else(|| "…".to_owned(), millis);
    if pattern == Pattern::NoCache {
        // What it was with the cache, for comparison.
        let was =
            before.and_then(|old| Some((fixed(old.database_reads_per_s, 0), millis(old.hit_ms?))));
        let (than, hit) = was.map_or((String::new(), String::new()), |(rate, hit)| {
            (format!(" instead of {rate}"), format!(" instead of {hit}"))
        });
        return format!(
            "Without a cache every read goes to the database: {rate} a second{than}, {miss} each{hit}."
        );
    }
    let (Some(ratio), Some(hit)) = (figures.hit_ratio, figures.hit_ms) else {
        return "The cache is empty: the first reads of each product miss, and fill it.".to_owned();
    };
    let writes = match pattern {
        Pattern::LazyLoading => "A write changes the database alone, so reads may be stale.",
        Pattern::LazyWithInvalidation => {
            "A write deletes the key, so the next read fetches the new row."
        }
        _ => "A write stores the new row as well, so reads find it at once.",
    };
    format!(
        "The cache answers {} % of reads in {}, the database the rest in {miss}. {writes}",
        fixed(ratio * 100.0, 0),
        millis(hit),
    )
}

/// The strip of figures, as the title block of a drawing.
pub(crate) fn strip(figures: &Figures, pattern: Pattern) -> Html {
    let totals = &figures.totals;
    let ratio = figures
        .hit_ratio
        .filter(|_| pattern != Pattern::NoCache)
        .map_or_else(|| "–".to_owned(), |r| format!("{} %", fixed(r * 100.0, 0)));
    let ms = |us: u64| millis(us as f64 / 1000.0);
    let expired = totals.expired_by_access + totals.expired_by_cycle;
    let cells = [
        ("", "hit ratio", ratio, "of the last 5 s".to_owned()),
        ("hit", "hits", totals.hits.to_string(), "keys read, and there".to_owned()),
        ("miss", "misses", totals.misses.to_string(), "keys read, not there".to_owned()),
        (
            "rows",
            "database reads",
            totals.database_reads.to_string(),
            format!("{} a second", fixed(figures.database_reads_per_s, 0)),
        ),
        (
            "expired",
            "expired",
            expired.to_string(),
            format!("{} met, {} swept", totals.expired_by_access, totals.expired_by_cycle),
        ),
        (
            "stale",
            "stale reads",
            totals.stale_reads.to_string(),
            format!("after {} writes", totals.database_writes),
        ),
        (
            "",
            "latency p50",
            ms(figures.latencies.p50_us),
            format!("p99 {}", ms(figures.latencies.p99_us)),
        ),
        (
            "",
            "simulated time",
            clock(figures.now_us),
            format!("{} requests a second", fixed(figures.requests_per_s, 0)),
        ),
    ];
    html! {
        <dl class="strip">
            { for cells.into_iter().map(|(name, title, value, note)| html! {
                <div class={classes!("cell", name)}>
                    <dt>{ if name.is_empty() { html! {} } else { mark(name) } }{ title }</dt>
                    <dd>{ value }</dd>
                    <dd class="under">{ note }</dd>
                </div>
            }) }
        </dl>
    }
}

fn clock(us: u64) -> String {
    let (seconds, tenths) = (us / 1_000_000, us / 100_000 % 10);
    format!("{}:{:02}.{tenths}", seconds / 60, seconds % 60)
}

/// What happened, newest first.
pub(crate) fn log(entries: &[Entry], everything: bool, act: &Callback<Action>) -> Html {
    let toggle = act.reform(move |_: MouseEvent| Action::Everything(!everything));
    let shown = entries.iter().filter(|e| everything || e.by_hand || e.kind.matters());
    html! {
        <section class="panel log" aria-labelledby="log-title">
            <div class="tabs">
                <h2 id="log-title">{ "What happened" }</h2>
                <button type="button" class="plain" aria-pressed={everything.to_string()} onclick={toggle}>
                    { "Everything" }
                </button>
            </div>
            <ol class="scroll" tabindex="0" aria-label="Log, newest first">
                { for shown.take(SHOWN).map(|entry| html! {
                    <li key={entry.number} class={classes!(entry.kind.name(), entry.by_hand.then_some("mine"))}>
                        { mark(entry.kind.name()) }
                        <time>{ fixed(entry.at_us as f64 / 1e6, 2) }</time>
                        <span>
                            { &entry.text }
                            { for (entry.times > 1).then(|| format!(" {} times.", entry.times)) }
                        </span>
                    </li>
                }) }
            </ol>
        </section>
    }
}
